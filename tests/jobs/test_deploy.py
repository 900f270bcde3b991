from apiclient import Api


async def test_deploy(api: Api) -> None:
    zone = (await api.call("listZones"))["zone"][0]
    assert zone["name"] == "zone1"
