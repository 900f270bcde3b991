"""User data that accounts keep for their virtual machines."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ScopedList, id_of
from cloudsim.api.params import ref, string
from cloudsim.api.responses.template import TEMPLATE
from cloudsim.api.responses.userdata import USER_DATA
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, nouns, userdata
from cloudsim.services.context import Context
from cloudsim.services.nouns import DOMAIN, PROJECT
from cloudsim.services.nouns import USER_DATA as NOUN


class RegisterUserData(Command, name="registerUserData", event="REGISTER.USER.DATA", since="4.18"):
    """Keeps user data under a name."""

    name = string(required=True)
    userdata = string("The user data, Base64", required=True, length=1048576)
    account = string()
    domainid = ref(DOMAIN)
    params_ = string("Names of the values that a machine gives for it, separated by commas")
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        owner = access.account_of(ctx, self.domainid, self.account, self.projectid)
        made = userdata.register(ctx, owner, self.name, self.userdata, self.params_)
        return {"userdata": ctx.present("userdata", made)[0]}


class ListUserData(ScopedList, name="listUserData", response=USER_DATA, since="4.18"):
    """Lists user data."""

    id = ref(NOUN)
    name = string()

    def run(self, ctx: Context) -> Body:
        return self.select(ctx, userdata.LISTING, id=id_of(self.id), name=self.name)


class DeleteUserData(Command, name="deleteUserData", since="4.18"):
    """Forgets user data that no virtual machine has."""

    id = ref(NOUN, required=True)
    account = string()
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        userdata.remove(ctx, self.id)
        return {"success": True}


class LinkUserDataToTemplate(Command, name="linkUserDataToTemplate", response=TEMPLATE, since="4.18.0"):
    """Makes a template or ISO bring user data to the machines made of it; without userdataid, none any more."""

    isoid = ref(nouns.TEMPLATE, "The ISO")
    templateid = ref(nouns.TEMPLATE, "The template")
    userdataid = ref(NOUN)
    userdatapolicy = string(
        "What becomes of a machine's own: ALLOWOVERRIDE (they take their place; this if not said), APPEND, DENYOVERRIDE"
    )

    def run(self, ctx: Context) -> Body:
        if (self.isoid is None) == (self.templateid is None):
            raise InvalidValue("give templateid or isoid, one of them")
        image = self.isoid or self.templateid
        if (image["format"] == "ISO") != (self.isoid is not None):
            raise InvalidValue(f"{image['name']} is {'an ISO' if image['format'] == 'ISO' else 'a template'}")
        userdata.link(ctx, image, self.userdataid, self.userdatapolicy)
        # told here of templates too, as the reference does; its lists tell it of ISOs only
        return {"template": {**ctx.present("template", image["id"])[0], "bootable": image["is_bootable"]}}
