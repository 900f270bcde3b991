"""Load balancer rules, their policies and certificates."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing
from sqlalchemy import Table

from cloudsim.db import schema

#: A network with load balancers, and an address of it that is in use.
ASSOCIATED = (
    "UPDATE public_ip SET state = 'Allocated', static_nat = 0, network_id = (SELECT n.id FROM network n"
    " WHERE n.account_id = public_ip.account_id AND n.guest_type = 'Isolated' ORDER BY n.id LIMIT 1) WHERE uuid = :id"
)
MEMBER = (
    "INSERT INTO load_balancer_vm (rule_id, vm_id, address) SELECT r.id, c.vm_id, '' FROM firewall_rule r"
    " JOIN nic c ON c.network_id = r.network_id AND c.removed IS NULL JOIN vm v ON c.vm_id = v.id AND v.type = 'User'"
    " WHERE r.uuid = :id LIMIT 1"
)
#: A provider that makes health checks.
CHECKING = (
    'UPDATE network_offering SET services = replace(services, \'"Lb","provider":[{"name":"VirtualRouter"}\','
    ' \'"Lb","provider":[{"name":"Netscaler"}\')'
)
SSL = "UPDATE load_balancer SET protocol = 'ssl' WHERE rule_id = (SELECT id FROM firewall_rule WHERE uuid = :id)"
CERTIFIED = (
    "UPDATE load_balancer SET cert_id = (SELECT min(id) FROM ssl_cert)"
    " WHERE rule_id = (SELECT id FROM firewall_rule WHERE uuid = :id)"
)


@thing("loadbalancer", needs=("network", "publicipaddress", "virtualmachine"))
async def _rule(cast: Cast, **owner: Any) -> str:
    (network,) = cast.one("SELECT id FROM network WHERE uuid = ?", cast.id("network", owner))
    (address,) = cast.one("SELECT id FROM public_ip WHERE uuid = ?", cast.id("publicipaddress", owner))
    ports = {"protocol": "tcp", "start_port": 443, "end_port": 443, "private_start": 443, "private_end": 443}
    made = await cast.insert(
        schema.firewall_rule, purpose="LoadBalancing", state="Add", traffic_type="Ingress", network_id=network,
        public_ip_id=address, cidrs=[], destinations=[], **ports, **cast.owned(owner),
    )  # fmt: skip
    (rule,) = cast.one("SELECT id FROM firewall_rule WHERE uuid = ?", made)
    await cast.insert(schema.load_balancer, rule_id=rule, name="web", algorithm="roundrobin")
    return made


async def _policy(cast: Cast, table: Table, owner: dict[str, Any], **given: Any) -> str:
    (rule,) = cast.one("SELECT id FROM firewall_rule WHERE uuid = ?", cast.id("loadbalancer", owner))
    return await cast.insert(table, rule_id=rule, **given, **cast.owned(owner))


@thing("stickinesspolicy", needs=("loadbalancer",))
async def _stickiness(cast: Cast, **owner: Any) -> str:
    given = {"name": "sticky", "method": "SourceBased", "params": {}}
    return await _policy(cast, schema.lb_stickiness_policy, owner, **given)


@thing("healthcheckpolicy", needs=("loadbalancer",))
async def _health_check(cast: Cast, **owner: Any) -> str:
    return await _policy(cast, schema.lb_health_check_policy, owner, ping_path="/")


@thing("sslcert")
async def _certificate(cast: Cast, **owner: Any) -> str:
    return await cast.insert(schema.ssl_cert, name="www", certificate="x", fingerprint="AA", **cast.owned(owner))


def _uploaded() -> dict[str, str]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    now = datetime.now(UTC)
    built = built.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = built.serial_number(1).sign(key, hashes.SHA256())
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return {
        "certificate": signed.public_bytes(serialization.Encoding.PEM).decode(),
        "privatekey": private.decode(),
    }


WEB = {"name": "new", "algorithm": "roundrobin", "publicport": 80, "privateport": 80, "openfirewall": False}
STICKY = {"name": "new", "methodname": "SourceBased"}

ROWS = [
    Row(
        "createLoadBalancerRule", "publicipaddress", by="publicipid", given=ASSOCIATED, spread=False, **WEB,
    ),
    Row("createLoadBalancerRule", "network", by="networkid", **WEB),
    Row("listLoadBalancerRules", "loadbalancer"),
    Row("updateLoadBalancerRule", "loadbalancer", name="other"),
    Row("deleteLoadBalancerRule", "loadbalancer"),
    Row("assignToLoadBalancerRule", "loadbalancer", virtualmachineids="@virtualmachine"),
    Row("removeFromLoadBalancerRule", "loadbalancer", given=MEMBER, virtualmachineids="@virtualmachine"),
    Row("listLoadBalancerRuleInstances", "loadbalancer", shows=False, listed=False),
    Row("createLBStickinessPolicy", "loadbalancer", by="lbruleid", **STICKY),
    Row("updateLBStickinessPolicy", "stickinesspolicy"),
    Row("deleteLBStickinessPolicy", "stickinesspolicy"),
    Row("listLBStickinessPolicies", "loadbalancer", by="lbruleid", key="lbruleid", listed=False),
    Row("createLBHealthCheckPolicy", "loadbalancer", by="lbruleid",
        given=f"DELETE FROM lb_health_check_policy; {CHECKING}"),
    Row("updateLBHealthCheckPolicy", "healthcheckpolicy"),
    Row("deleteLBHealthCheckPolicy", "healthcheckpolicy"),
    Row("listLBHealthCheckPolicies", "loadbalancer", by="lbruleid", key="lbruleid", listed=False),
    Row("uploadSslCert", name="new", **_uploaded()),
    Row("deleteSslCert", "sslcert"),
    Row("listSslCerts", "sslcert", by="certid", listed=False),
    Row("assignCertToLoadBalancer", "loadbalancer", by="lbruleid", given=SSL, certid="@sslcert"),
    Row("removeCertFromLoadBalancer", "loadbalancer", by="lbruleid", given=CERTIFIED),
]  # fmt: skip
