"""Certificates of load balancers."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.sslcert import SSL_CERT
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, loadbalancer_cert, sslcert
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DOMAIN, LOAD_BALANCER_RULE, PROJECT
from cloudsim.services.nouns import SSL_CERT as NOUN


class UploadSslCert(Command, name="uploadSslCert", response=SSL_CERT, event="LB.CERT.UPLOAD"):
    """Keeps a certificate for load balancers, with its private key; both must belong together and be valid now."""

    certificate = string("The certificate, as PEM", required=True, length=16384)
    name = string(required=True)
    privatekey = string("Its private key (RSA or elliptic curve), as PEM; kept sealed, and never shown",
                        required=True, length=16384)  # fmt: skip
    account = string()
    certchain = string("The certificates of those who issued it, as PEM", length=2097152)
    domainid = ref(DOMAIN)
    enabledrevocationcheck = boolean("Without effect: lists of revoked certificates are not fetched", since="4.15")
    password = string("The password of the private key, where it is encrypted")
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        owner = access.account_of(ctx, self.domainid, self.account, self.projectid)
        made = sslcert.upload(
            ctx,
            owner,
            self.name,
            certificate=self.certificate,
            key=self.privatekey,
            password=self.password,
            chain=self.certchain,
        )
        return {"sslcert": ctx.present("sslcert", made)[0]}


class DeleteSslCert(Command, name="deleteSslCert", response=SUCCESS, event="LB.CERT.DELETE"):
    """Deletes a certificate that no load balancer uses."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        sslcert.remove(ctx, self.id)
        return {"success": True}


class ListSslCerts(Command, name="listSslCerts", response=SSL_CERT, reads=True):
    """Lists certificates: those of an account (the caller's own if nothing else is said), of a project, or one."""

    accountid = ref(ACCOUNT, "The account whose certificates are listed")
    certid = ref(NOUN, "The certificate that is listed")
    lbruleid = ref(LOAD_BALANCER_RULE, "The load balancer rule whose certificate is listed")
    projectid = ref(PROJECT, "The project whose certificates are listed")

    def run(self, ctx: Context) -> Body:
        given = [one for one in (self.accountid, self.certid, self.lbruleid, self.projectid) if one is not None]
        if len(given) > 1:
            raise InvalidValue("give one of accountid, certid, lbruleid and projectid")
        if self.certid is not None:
            ids = [self.certid["id"]]
        elif self.lbruleid is not None:
            ids = sslcert.of_rule(ctx, self.lbruleid["id"])
        elif self.projectid is not None:
            ids = sslcert.of_account(ctx, self.projectid["account_id"])
        else:
            ids = sslcert.of_account(ctx, self.accountid["id"] if self.accountid else ctx.caller.account_id)
        found = ctx.present("sslcert", *ids)
        return {"count": len(found), "sslcert": found} if found else {}


class AssignCertToLoadBalancer(AsyncCommand, name="assignCertToLoadBalancer", response=SUCCESS, event="LB.CERT.ASSIGN"):
    """Has a load balancer rule of protocol ssl open connections with a certificate."""

    certid = ref(NOUN, "The certificate", required=True)
    lbruleid = ref(LOAD_BALANCER_RULE, required=True)
    forced = boolean("Whether it takes the place of a certificate that the rule has", since="4.22")

    def run(self, ctx: Context) -> Body:
        return {"jobid": loadbalancer_cert.assign(ctx, self.lbruleid, self.certid, forced=bool(self.forced))}


class RemoveCertFromLoadBalancer(
    AsyncCommand, name="removeCertFromLoadBalancer", response=SUCCESS, event="LB.CERT.REMOVE"
):
    """Takes the certificate away from a load balancer rule."""

    lbruleid = ref(LOAD_BALANCER_RULE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": loadbalancer_cert.remove(ctx, self.lbruleid)}
