from cloudsim.allocators.base import Destination
from cloudsim.core.errors import InsufficientServers
def find(request, hosts, pools, policy, chance):
    hs=[h for h in hosts if h.status=="Up" and h.cpu_total-h.cpu_used>=request.cpus*request.speed and h.memory_total-h.memory_used>=request.memory and h.id not in request.avoid and (request.host_id in (None,h.id))]
    if not hs: raise InsufficientServers("no room")
    h=chance.choice(hs)
    return Destination(h, tuple(next(p for p in pools if v.pool_id in (None,p.id)) for v in request.volumes))
