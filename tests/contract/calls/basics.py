"""Machines, offerings, networks, the cloud's parts, accounts: how their sampled commands are called."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from apiclient import Api
from sample_calls import Calls, calls


async def data_disk(api: Api) -> dict[str, Any]:
    offering = (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]
    return {"diskofferingid": offering["id"]}


async def in_a_group(api: Api) -> dict[str, Any]:
    """What puts a machine in an affinity group."""
    made = await api.call("createAffinityGroup", name=f"g{next(_NUMBERS)}", type="host anti-affinity")
    return {"affinitygroupids": made["id"]}


_NUMBERS = itertools.count()


@calls("deployVirtualMachine")
async def _deploy(api: Api) -> Calls:
    return [{**await api.basics(), **await data_disk(api), **await in_a_group(api)}]


@calls("startVirtualMachine")
async def _start(api: Api) -> Calls:
    machine = await api.deploy(**await data_disk(api), **await in_a_group(api), startvm=False)
    return [{"id": machine["id"]}]


@calls("stopVirtualMachine", "rebootVirtualMachine", "destroyVirtualMachine")
async def _running(api: Api) -> Calls:
    return [{"id": (await api.deploy(**await data_disk(api), **await in_a_group(api)))["id"]}]


@calls("recoverVirtualMachine", "expungeVirtualMachine")
async def _destroyed(api: Api) -> Calls:
    machine = await api.deploy(**await data_disk(api))
    await api.job("destroyVirtualMachine", id=machine["id"])
    return [{"id": machine["id"]}]


@calls("listNetworks", "listVolumes", "listEvents", "listPublicIpAddresses", "listAsyncJobs")
async def with_a_machine(api: Api) -> Calls:
    machine = await api.deploy(**await data_disk(api), **await in_a_group(api))
    volumes = await api.call("listVolumes", virtualmachineid=machine["id"])
    addresses = await api.call("listPublicIpAddresses")
    for kind, row in (
        ("UserVm", machine["id"]),
        ("Volume", volumes["volume"][0]["id"]),
        ("Network", machine["nic"][0]["networkid"]),
        ("PublicIpAddress", addresses["publicipaddress"][0]["id"]),
    ):
        await api.job(
            "createTags", **{"resourceids": row, "resourcetype": kind, "tags[0].key": "a", "tags[0].value": "b"}
        )
    return [{"listall": True}]


@calls("queryAsyncJobResult")
async def _job(api: Api) -> Calls:
    answer = await api.call("deployVirtualMachine", **await api.basics(), **await in_a_group(api))
    await api.wait(answer["jobid"])
    return [{"jobid": answer["jobid"]}]


@calls("listZones")
async def _zones(_: Api) -> Calls:
    return [{}, {"showcapacities": True}]


async def _offering(api: Api, kind: str, **given: Any) -> str:
    made = await api.call(f"create{kind}", name="made", displaytext="made", **given)
    return next(iter(made.values()))["id"]


LIMITS = {
    f"{unit}{way}rate{rest}": number
    for unit in ("bytes", "iops")
    for way in ("read", "write")
    for rest, number in (("", 10), ("max", 20), ("maxlength", 30))
}
COMPUTE = {"cpunumber": 1, "cpuspeed": 100, "memory": 128}
FOR_NETWORKS = {
    "guestiptype": "Isolated",
    "traffictype": "Guest",
    "supportedservices": "Dhcp,Dns,SourceNat,StaticNat,Lb",
    "servicecapabilitylist[0].service": "SourceNat",
    "servicecapabilitylist[0].capabilitytype": "SupportedSourceNatTypes",
    "servicecapabilitylist[0].capabilityvalue": "peraccount",
}


async def _places(api: Api) -> dict[str, Any]:
    root = (await api.call("listAccounts", name="admin"))["account"][0]["domainid"]
    return {"zoneid": (await api.call("listZones"))["zone"][0]["id"], "domainid": root}


@calls("createServiceOffering")
async def _service_offerings(api: Api) -> Calls:
    more = {"storagetags": "a", "hosttags": "b", "tags": "a", "networkrate": 10, "miniops": 1, "maxiops": 2}
    more |= {"leaseduration": 10, "leaseexpiryaction": "STOP"}
    full = {"name": "all of it", "displaytext": "all of it", **COMPUTE, **LIMITS, **more, **await _places(api)}
    full |= {"serviceofferingdetails[0].key": "a", "serviceofferingdetails[0].value": "b", "cachemode": "writeback"}
    await api.call("createServiceOffering", "POST", **full)
    return [{**full, "name": "again"}, {**full, "issystem": True, "systemvmtype": "domainrouter", "name": "system"}]


@calls("updateServiceOffering")
async def _update_service(api: Api) -> Calls:
    made = await _offering(api, "ServiceOffering", **COMPUTE)
    return [{"id": made, "displaytext": "changed", "hosttags": "a", "storagetags": "b"}]


@calls("deleteServiceOffering")
async def _delete_service(api: Api) -> Calls:
    return [{"id": await _offering(api, "ServiceOffering", **COMPUTE)}]


@calls("createDiskOffering")
async def _create_disk(api: Api) -> Calls:
    full = {"name": "all of it", "displaytext": "all", "disksize": 1, **LIMITS, **await _places(api), "tags": "a"}
    return [{**full, "details[0].key": "a", "details[0].value": "b", "cachemode": "writeback"}]


@calls("listDiskOfferings")
async def _disk_offerings(api: Api) -> Calls:
    await api.call("createDiskOffering", "POST", **(await _create_disk(api))[0])
    return [{}]


@calls("updateDiskOffering")
async def _update_disk(api: Api) -> Calls:
    return [{"id": await _offering(api, "DiskOffering", disksize=1), "displaytext": "changed", **LIMITS}]


@calls("deleteDiskOffering")
async def _delete_disk(api: Api) -> Calls:
    return [{"id": await _offering(api, "DiskOffering", disksize=1)}]


@calls("createNetworkOffering")
async def _create_network_offering(api: Api) -> Calls:
    return [{"name": "made", "displaytext": "made", **FOR_NETWORKS, **await _places(api)}]


@calls("updateNetworkOffering")
async def _update_network_offering(api: Api) -> Calls:
    return [{"id": await _offering(api, "NetworkOffering", **FOR_NETWORKS), "state": "Enabled", "tags": "a"}]


@calls("deleteNetworkOffering")
async def _delete_network_offering(api: Api) -> Calls:
    return [{"id": await _offering(api, "NetworkOffering", **FOR_NETWORKS)}]


async def _network(api: Api) -> dict[str, Any]:
    offerings = await api.call("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService")
    zone = (await api.call("listZones"))["zone"][0]["id"]
    return {"name": "made", "zoneid": zone, "networkofferingid": offerings["networkoffering"][0]["id"]}


@calls("createNetwork")
async def _create_network(api: Api) -> Calls:
    return [{**await _network(api), "displaytext": "made"}]


@calls("updateNetwork")
async def _update_network(api: Api) -> Calls:
    made = (await api.call("createNetwork", **await _network(api)))["network"]
    return [{"id": made["id"], "guestvmcidr": made["cidr"].split("/")[0] + "/26", "hideipaddressusage": True}]


@calls("deleteNetwork")
async def _delete_network(api: Api) -> Calls:
    return [{"id": (await api.call("createNetwork", **await _network(api)))["network"]["id"]}]


@calls("restartNetwork")
async def _restart_network(api: Api) -> Calls:
    machine = await api.deploy()
    return [{"id": machine["nic"][0]["networkid"]}]


@calls("createTags")
async def _create_tags(api: Api) -> Calls:
    machine = await api.deploy()
    return [{"resourceids": machine["id"], "resourcetype": "UserVm", "tags[0].key": "a", "tags[0].value": "b"}]


@calls("deleteTags")
async def _delete_tags(api: Api) -> Calls:
    call = (await _create_tags(api))[0]
    await api.job("createTags", **call)
    return [call]


@calls("listTags")
async def _list_tags(api: Api) -> Calls:
    await _delete_tags(api)
    return [{"listall": True}]


@calls("listNics")
async def _nics(api: Api) -> Calls:
    return [{"virtualmachineid": (await api.deploy())["id"]}]


@calls("getVirtualMachineUserData")
async def _user_data(api: Api) -> Calls:
    return [{"virtualmachineid": (await api.deploy(userdata="I2Nsb3VkLWNvbmZpZwo="))["id"]}]


@calls("updateVirtualMachine")
async def _update_machine(api: Api) -> Calls:
    return [{"id": (await api.deploy(**await data_disk(api)))["id"], "displayname": "changed", "group": "a"}]


@calls("listTemplates")
async def _templates(_: Api) -> Calls:
    return [{"templatefilter": "all", "listall": True}]


@calls("updateConfiguration")
async def _update_configuration(api: Api) -> Calls:
    zone = (await api.call("listZones"))["zone"][0]["id"]
    return [
        {"name": "vm.allocation.algorithm", "value": "random"},
        {"name": "use.external.dns", "value": "true", "zoneid": zone},
    ]


@calls("getUserKeys", "registerUserKeys")
async def _user_keys(api: Api) -> Calls:
    user = (await api.call("listUsers", username="admin"))["user"][0]["id"]
    return [{"id": user}]


@calls("listPods")
async def _pods(_: Api) -> Calls:
    return [{}, {"showcapacities": True}]


@calls("listDomains", "listAccounts")
async def _everybody(_: Api) -> Calls:
    return [{"listall": True}]


@calls("listHosts")
async def _hosts(_: Api) -> Calls:
    return [{"type": "Routing"}]


@calls("listServiceOfferings")
async def _list_service_offerings(api: Api) -> Calls:
    await api.call("createServiceOffering", "POST", **(await _service_offerings(api))[0])
    return [{}, {"issystem": True}]


PERSON = {"email": "a@example.com", "firstname": "A", "lastname": "B", "password": "secret", "username": "someone"}


@calls("createAccount")
async def _create_account(_: Api) -> Calls:
    return [{**PERSON, "accounttype": 0, "networkdomain": "example.com", "timezone": "UTC"}]


@calls("createUser")
async def _create_user(_: Api) -> Calls:
    return [{**PERSON, "account": "admin", "timezone": "UTC"}]


@calls("createDomain")
async def _create_domain(_: Api) -> Calls:
    return [{"name": "made", "networkdomain": "example.com"}]


@calls("addCluster")
async def _add_cluster(api: Api) -> Calls:
    where = await api.places()
    del where["clusterid"]
    return [{**where, "clustername": "made", "clustertype": "CloudManaged", "hypervisor": "simulator"}]


@calls("updateCluster")
async def _update_cluster(api: Api) -> Calls:
    return [{"id": (await api.places())["clusterid"], "allocationstate": "Disabled"}]


@calls("addHost")
async def _add_host(api: Api) -> Calls:
    return [{**await api.places(), "hypervisor": "simulator", "url": "http://sim1/c1/h1", "hosttags": "a"}]


@calls("updateHost")
async def _update_host(api: Api) -> Calls:
    (host, *_) = (await api.call("listHosts"))["host"]
    return [{"id": host["id"], "hosttags": "a", "allocationstate": "Disable"}]


async def pool(api: Api) -> str:
    given = (await _create_pool(api))[0]
    return (await api.call("createStoragePool", **given))["storagepool"]["id"]


@calls("createStoragePool")
async def _create_pool(api: Api) -> Calls:
    return [{**await api.places(), "name": "made", "url": "nfs://10.1.1.1:/export/one", "tags": "a", "capacityiops": 5}]


@calls("updateStoragePool")
async def _update_pool(api: Api) -> Calls:
    return [{"id": await pool(api), "tags": "b", "enabled": False}]


@calls("deleteStoragePool")
async def _delete_pool(api: Api) -> Calls:
    return [{"id": await pool(api), "forced": True}]


@calls("listCapacity")
async def _capacity(api: Api) -> Calls:
    where = await api.places()
    return [{"podid": where["podid"], "type": 1}, {"zoneid": where["zoneid"]}, {"clusterid": where["clusterid"]}]


async def _zone_call(api: Api) -> dict[str, Any]:
    domain = (await api.call("listAccounts", name="admin"))["account"][0]["domainid"]
    names = {"dns1": "10.0.0.1", "dns2": "10.0.0.2", "internaldns1": "10.0.0.1", "internaldns2": "10.0.0.2"}
    return {"name": "made", "networktype": "Advanced", **names, "domainid": domain, "domain": "example.com"}


@calls("createZone")
async def _create_zone(api: Api) -> Calls:
    return [await _zone_call(api)]


async def _new_zone(api: Api) -> str:
    return (await api.call("createZone", **await _zone_call(api)))["zone"]["id"]


POD = {"name": "made", "gateway": "10.9.0.1", "netmask": "255.255.255.0", "startip": "10.9.0.2", "endip": "10.9.0.9"}


@calls("createPod")
async def _create_pod(api: Api) -> Calls:
    return [{**POD, "zoneid": await _new_zone(api)}]


@calls("createPhysicalNetwork")
async def _create_physical(api: Api) -> Calls:
    return [{"name": "made", "zoneid": await _new_zone(api), "isolationmethods": "VLAN", "vlan": "100-200"}]


async def _physical(api: Api) -> str:
    return (await api.job("createPhysicalNetwork", **(await _create_physical(api))[0]))["physicalnetwork"]["id"]


@calls("updatePhysicalNetwork")
async def _update_physical(api: Api) -> Calls:
    return [{"id": await _physical(api), "state": "Enabled", "vlan": "100-200"}]


@calls("addTrafficType")
async def _add_traffic(api: Api) -> Calls:
    return [{"physicalnetworkid": await _physical(api), "traffictype": "Guest"}]


async def _provider(api: Api, name: str) -> str:
    network = await _physical(api)
    found = await api.call("listNetworkServiceProviders", name=name, physicalnetworkid=network)
    return found["networkserviceprovider"][0]["id"]


@calls("updateNetworkServiceProvider")
async def _update_provider(api: Api) -> Calls:
    provider = await _provider(api, "VirtualRouter")
    (element,) = (await api.call("listVirtualRouterElements", nspid=provider))["virtualrouterelement"]
    await api.job("configureVirtualRouterElement", id=element["id"], enabled=True)
    return [{"id": provider, "state": "Enabled"}]


@calls("configureVirtualRouterElement")
async def _configure_router(api: Api) -> Calls:
    provider = await _provider(api, "VirtualRouter")
    (element,) = (await api.call("listVirtualRouterElements", nspid=provider))["virtualrouterelement"]
    return [{"id": element["id"], "enabled": True}]


@calls("configureInternalLoadBalancerElement")
async def _configure_lb(api: Api) -> Calls:
    provider = await _provider(api, "InternalLbVm")
    found = await api.call("listInternalLoadBalancerElements", nspid=provider)
    return [{"id": found["internalloadbalancerelement"][0]["id"], "enabled": True}]


async def _range(api: Api) -> dict[str, Any]:
    where = await _places(api)
    addresses = {"gateway": "10.8.0.1", "netmask": "255.255.255.0", "startip": "10.8.0.2", "endip": "10.8.0.9"}
    return {**where, "account": "admin", **addresses, "vlan": "50", "forvirtualnetwork": True}


@calls("createVlanIpRange")
async def _create_range(api: Api) -> Calls:
    return [await _range(api)]


@calls("deleteVlanIpRange")
async def _delete_range(api: Api) -> Calls:
    return [{"id": (await api.call("createVlanIpRange", **await _range(api)))["vlan"]["id"]}]


@calls("listVlanIpRanges")
async def _list_ranges(api: Api) -> Calls:
    await api.call("createVlanIpRange", **await _range(api))
    return [{}]


@calls("addImageStore")
async def _add_store(api: Api) -> Calls:
    zone = (await api.places())["zoneid"]
    return [{"provider": "NFS", "url": "nfs://10.0.0.1/export/secondary", "zoneid": zone}]


@calls("updateImageStore")
async def _update_store(api: Api) -> Calls:
    return [{"id": (await api.call("listImageStores"))["imagestore"][0]["id"], "readonly": True}]


@calls("updateZone")
async def _update_zone(api: Api) -> Calls:
    return [{"id": (await api.places())["zoneid"], "dns2": "10.0.0.3", "details[0].key": "a", "details[0].value": "b"}]


# -- domains, accounts, users, roles, projects


async def account(api: Api, name: str = "someone", **given: Any) -> dict[str, Any]:
    person = {**PERSON, "username": name, "accounttype": 0, **given}
    return (await api.call("createAccount", "POST", **person))["account"]


@calls("updateAccount")
async def _update_account(api: Api) -> Calls:
    made = await account(api)
    return [{"id": made["id"], "newname": "else", "networkdomain": "example.com"}]


@calls("deleteAccount")
async def _delete_account(api: Api) -> Calls:
    return [{"id": (await account(api))["id"]}]


@calls("disableAccount")
async def _disable_account(api: Api) -> Calls:
    return [{"id": (await account(api))["id"], "lock": False}]


@calls("updateUser")
async def _update_user(api: Api) -> Calls:
    return [{"id": (await account(api))["user"][0]["id"], "firstname": "Else"}]


@calls("deleteUser")
async def _delete_user(api: Api) -> Calls:
    return [{"id": (await account(api))["user"][0]["id"]}]


@calls("moveUser")
async def _move_user(api: Api) -> Calls:
    one, other = await account(api), await account(api, "other")
    return [{"id": one["user"][0]["id"], "accountid": other["id"]}]


@calls("deleteDomain")
async def _delete_domain(api: Api) -> Calls:
    made = (await api.call("createDomain", name="made"))["domain"]
    return [{"id": made["id"], "cleanup": True}]


async def role(api: Api) -> dict[str, Any]:
    return (await api.call("createRole", name="made", type="User", description="text"))["role"]


@calls("createRole")
async def _create_role(_: Api) -> Calls:
    return [{"name": "made", "type": "User", "description": "text"}]


@calls("updateRole", "deleteRole")
async def _one_role(api: Api) -> Calls:
    return [{"id": (await role(api))["id"], "name": "else"}]


@calls("importRole")
async def _import_role(_: Api) -> Calls:
    rule = {"rules[0].rule": "list*", "rules[0].permission": "allow", "rules[0].description": "text"}
    return [{"name": "made", "type": "User", "description": "text", **rule}]


@calls("createRolePermission")
async def _create_rule(api: Api) -> Calls:
    return [{"roleid": (await role(api))["id"], "rule": "list*", "permission": "allow", "description": "text"}]


async def rule(api: Api) -> dict[str, Any]:
    return (await api.call("createRolePermission", **(await _create_rule(api))[0]))["rolepermission"]


@calls("updateRolePermission")
async def _update_rule(api: Api) -> Calls:
    made = await rule(api)
    return [{"roleid": made["roleid"], "ruleid": made["id"], "permission": "deny"}]


@calls("deleteRolePermission")
async def _delete_rule(api: Api) -> Calls:
    return [{"id": (await rule(api))["id"]}]


@calls("createProject")
async def _create_project(_: Api) -> Calls:
    return [{"name": "made", "displaytext": "text"}]


async def project(api: Api) -> dict[str, Any]:
    return (await api.job("createProject", name="made", displaytext="text"))["project"]


@calls("updateProject", "activateProject", "suspendProject", "deleteProject")
async def _one_project(api: Api) -> Calls:
    return [{"id": (await project(api))["id"], "displaytext": "else", "cleanup": True}]


@calls("addAccountToProject")
async def _add_to_project(api: Api) -> Calls:
    await account(api)
    return [{"projectid": (await project(api))["id"], "account": "someone"}]


@calls("listProjects", "listProjectAccounts")
async def _list_projects(api: Api) -> Calls:
    (given,) = await _add_to_project(api)
    await api.job("addAccountToProject", **given)
    return [{"projectid": given["projectid"], "listall": True}]


@calls("listResourceLimits")
async def _list_limits(api: Api) -> Calls:
    return [{}, {"projectid": (await project(api))["id"]}]


@calls("updateResourceLimit", "updateResourceCount")
async def _limits(api: Api) -> Calls:
    made = await account(api)
    own = {"domainid": made["domainid"], "resourcetype": 0, "max": 3}
    return [{"account": "someone", **own}, {"projectid": (await project(api))["id"], **own}]


async def system_vms(api: Api) -> list[dict[str, Any]]:
    """The system virtual machines of the seeded zone, made by enabling it anew."""
    zone = (await api.places())["zoneid"]
    for state in ("Disabled", "Enabled"):
        await api.call("updateZone", id=zone, allocationstate=state)
    for _ in range(500):
        found = (await api.call("listSystemVms", state="Running")).get("systemvm", [])
        if len(found) == 2:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("the system virtual machines do not run")


@calls("listSystemVms")
async def _list_system_vms(api: Api) -> Calls:
    await system_vms(api)
    return [{}]


@calls("destroySystemVm")
async def _destroy_system_vm(api: Api) -> Calls:
    return [{"id": (await system_vms(api))[0]["id"]}]


@calls("enableStorageMaintenance")
async def _storage_maintenance(api: Api) -> Calls:
    return [{"id": await pool(api)}]


# -- what is written down beside things

DATA = {"name": "mine", "userdata": "VGVzdFVzZXJEYXRh"}


@calls("registerUserData")
async def _register_user_data(_: Api) -> Calls:
    return [DATA]


@calls("listUserData")
async def _list_user_data(api: Api) -> Calls:
    await api.call("registerUserData", **DATA)
    return [{}]


@calls("deleteUserData")
async def _delete_user_data(api: Api) -> Calls:
    return [{"id": (await api.call("registerUserData", **DATA))["userdata"]["id"]}]


@calls("listInstanceGroups")
async def _instance_groups(api: Api) -> Calls:
    await api.call("createInstanceGroup", name="made")
    return [{"name": "made"}]


async def comment(api: Api) -> dict[str, Any]:
    machine = await api.deploy(startvm=False)
    given = {"entitytype": "VM", "entityid": machine["id"], "annotation": "text"}
    return (await api.call("addAnnotation", **given))["annotation"]


@calls("addAnnotation")
async def _add_annotation(api: Api) -> Calls:
    machine = await api.deploy(startvm=False)
    return [{"entitytype": "VM", "entityid": machine["id"], "annotation": "text", "adminsonly": True}]


@calls("listAnnotations")
async def _list_annotations(api: Api) -> Calls:
    made = await comment(api)
    return [{"entitytype": "VM", "entityid": made["entityid"]}]


@calls("removeAnnotation", "updateAnnotationVisibility")
async def _one_annotation(api: Api) -> Calls:
    return [{"id": (await comment(api))["id"], "adminsonly": True}]


@calls("addRegion")
async def _add_region(_: Api) -> Calls:
    return [{"id": 7, "name": "seven", "endpoint": "http://seven.example.com/client"}]


@calls("updateRegion", "removeRegion")
async def _one_region(api: Api) -> Calls:
    await api.call("addRegion", **(await _add_region(api))[0])
    return [{"id": 7, "name": "else"}]


@calls("listResourceDetails", "removeResourceDetail")
async def _resource_details(api: Api) -> Calls:
    machine = await api.deploy(startvm=False)
    where = {"resourceid": machine["id"], "resourcetype": "UserVm"}
    await api.job("addResourceDetail", **where, **{"details[0].key": "a", "details[0].value": "b"})
    return [where]
