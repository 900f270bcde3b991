"""Deploys a virtual machine with nothing but the standard library: what a client of the API does.

Run as ``python scripts/first_request.py DATA_DIR [PID]`` beside a running server; scripts/quickstart does.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def call(env: dict, command: str, **parameters: str) -> dict:
    """One signed request: the parameters sorted, encoded, lower-cased, and their HMAC-SHA1 under the secret key."""
    parameters.update(command=command, apikey=env["apikey"], response="json")
    query = "&".join(
        f"{name}={urllib.parse.quote(value, safe='*')}"
        for name, value in sorted(parameters.items(), key=lambda p: p[0].lower())
    )
    digest = hmac.new(env["secretkey"].encode(), query.lower().encode(), hashlib.sha1).digest()
    signature = urllib.parse.quote(base64.b64encode(digest), safe="")
    try:
        with urllib.request.urlopen(f"{env['endpoint']}?{query}&signature={signature}", timeout=30) as response:
            (body,) = json.load(response).values()
    except urllib.error.HTTPError as error:
        (body,) = json.load(error).values()
        raise SystemExit(f"{command}: {body['errortext']}") from None
    return body


def wait_until_ready(data_dir: str, pid: int | None) -> dict:
    """The server's endpoint and keys, once ``/readyz`` answers 200."""
    for _ in range(600):
        if pid is not None:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                raise SystemExit(1) from None
        cloudsim = os.path.join(os.path.dirname(sys.executable), "cloudsim")
        env = subprocess.run(
            [cloudsim, "env", "--data-dir", data_dir, "--format", "json"], capture_output=True, text=True
        )
        if env.returncode == 0:
            facts = json.loads(env.stdout)
            try:
                urllib.request.urlopen(facts["endpoint"].replace("/client/api", "/readyz"), timeout=5)
                return facts
            except (urllib.error.URLError, OSError):
                pass
        time.sleep(0.1)
    raise SystemExit("the server is not ready after a minute")


def main() -> None:
    """Deploys one machine and prints it."""
    env = wait_until_ready(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
    zone = call(env, "listZones")["zone"][0]
    offering = call(env, "listServiceOfferings", name="Small Instance")["serviceoffering"][0]
    templates = call(env, "listTemplates", templatefilter="featured", zoneid=zone["id"])["template"]
    started = time.monotonic()
    job = call(
        env,
        "deployVirtualMachine",
        zoneid=zone["id"],
        serviceofferingid=offering["id"],
        templateid=templates[0]["id"],
    )
    while True:
        result = call(env, "queryAsyncJobResult", jobid=job["jobid"])
        if result["jobstatus"] != 0:
            break
        time.sleep(0.005)
    spent = (time.monotonic() - started) * 1000
    if result["jobstatus"] != 1:
        raise SystemExit(f"the job failed: {result['jobresult']['errortext']}")
    vm = result["jobresult"]["virtualmachine"]
    print(f"Deployed {vm['name']} in {spent:.0f} ms:")
    print(f"  id         {vm['id']}")
    print(f"  state      {vm['state']} on host {vm['hostname']}")
    print(f"  offering   {vm['serviceofferingname']} ({vm['cpunumber']} x {vm['cpuspeed']} MHz, {vm['memory']} MB)")
    print(f"  template   {vm['templatename']}")
    print(f"  address    {vm['ipaddress']} in {vm['nic'][0]['networkname']}")
    print()
    print(f"endpoint   {env['endpoint']}")
    print(f"apikey     {env['apikey']}")
    print(f"secretkey  {env['secretkey']}", flush=True)


if __name__ == "__main__":
    main()
