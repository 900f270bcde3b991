"""Settings, and what the server can do, as clients read them."""

from __future__ import annotations

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.core.settings import Setting
from cloudsim.services import configuration

CONFIGURATION = Response(
    "configuration",
    boolean="isdynamic",
    long="id",
    string="category component defaultvalue description displaytext group name options parent scope subgroup type value",
)
_SUBGROUP = Response("subgroup", long="precedence", string="name")
CONFIGURATION_GROUP = Response(
    "configurationgroup",
    long="precedence",
    string="description name",
    nested={"subgroup": ("list", _SUBGROUP)},
    words={"precedence": "Its place in the order", "subgroup": "The groups in it"},
)
IS_ALLOWED = Response("isallowed", boolean="isallowed")
QUOTA_ENABLED = Response("isenabled", boolean="isenabled")
CLOUDIAN_ENABLED = Response("cloudianisenabled", boolean="enabled", string="url")
CAPABILITY = Response(
    "capability",
    boolean="additionalconfigenabled allowusercreateprojects allowuserexpungerecovervm "
    "allowuserexpungerecovervolume allowuserforcestopvm allowuserviewalldomainaccounts "
    "allowuserviewdestroyedvm dynamicrolesenabled dynamicscalingenabled instanceleaseenabled "
    "instancesdisksstatsretentionenabled instancesstatsuseronly "
    "kubernetesclusterexperimentalfeaturesenabled kubernetesserviceenabled kvmsnapshotenabled "
    "projectinviterequired regionsecondaryenabled securitygroupsenabled userpublictemplateenabled",
    integer="apilimitinterval apilimitmax instancesdisksstatsretentiontime instancesstatsretentiontime "
    "sharedfsvmmincpucount sharedfsvmminramsize",
    long="customdiskofferingmaxsize customdiskofferingminsize defaultuipagesize",
    string="cloudstackversion customhypervisordisplayname extensionspath supportELB",
)


def present(setting: Setting, value: str | None, place: configuration.Place) -> Object:
    """One setting with its value at a place; a secret's value is not told."""
    hidden = configuration.secret(setting)
    words = setting.name.replace(".", " ")
    return shown(
        category=setting.category,
        group=setting.group,
        subgroup=setting.subgroup,
        name=setting.name,
        value=None if hidden else value,
        defaultvalue=None if hidden else setting.default,
        scope=place[0].lower() if place[0] != "Global" else None,
        id=place[1] if place[0] != "Global" else None,
        isdynamic=setting.dynamic,
        component=setting.component,
        parent=setting.parent,
        displaytext=words[:1].upper() + words[1:],
        type=setting.type,
        options=setting.options,
    )
