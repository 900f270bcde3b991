"""Planners of deployments."""

from __future__ import annotations

from cloudsim.allocators import registry
from cloudsim.api.command import Body, ListCommand
from cloudsim.api.responses.base import Response
from cloudsim.services.context import Context

PLANNER = Response("deploymentPlanner", string="name")


class ListDeploymentPlanners(ListCommand, name="listDeploymentPlanners", response=PLANNER):
    """Lists the planners that an offering can name: this server's, and those that were installed."""

    def run(self, ctx: Context) -> Body:
        word = (self.keyword or "").lower()
        return self.part(ctx, [{"name": name} for name in registry.names(registry.PLANNERS) if word in name.lower()])
