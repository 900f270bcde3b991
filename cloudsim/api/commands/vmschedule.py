"""Schedules of virtual machines."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, date, ref, refs, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.vmschedule import VM_SCHEDULE
from cloudsim.services import access, vmschedule
from cloudsim.services.context import Context
from cloudsim.services.nouns import VIRTUAL_MACHINE
from cloudsim.services.nouns import VM_SCHEDULE as NOUN

_SCHEDULE = "A cron expression of five fields: minute, hour, day of month, month, day of week"


class CreateVMSchedule(
    Command, name="createVMSchedule", response=VM_SCHEDULE, event="VM.SCHEDULE.CREATE", since="4.19.0"
):
    """Schedules that a virtual machine is started, stopped or rebooted."""

    virtualmachineid = ref(VIRTUAL_MACHINE, required=True)
    action = string("What is done", required=True, values=vmschedule.ACTIONS)
    schedule = string(_SCHEDULE, required=True)
    timezone = string("The time zone that the schedule is meant in, such as UTC or Europe/Berlin", required=True)
    startdate = date("From when on it holds; at once where it is not given")
    enddate = date("Until when it holds; for good where it is not given")
    enabled = boolean("Whether it is followed", default=True)
    description_ = string()

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, VIRTUAL_MACHINE, self.virtualmachineid)
        made = vmschedule.create(
            ctx,
            self.virtualmachineid,
            action=self.action,
            schedule=self.schedule,
            timezone=self.timezone,
            start=self.startdate,
            end=self.enddate,
            enabled=self.enabled,
            description=self.description_,
        )
        return {"vmschedule": ctx.present("vmschedule", made)[0]}


class UpdateVMSchedule(
    Command, name="updateVMSchedule", response=VM_SCHEDULE, event="VM.SCHEDULE.UPDATE", since="4.19.0"
):
    """Changes a schedule of a virtual machine."""

    id = ref(NOUN, required=True)
    schedule = string(_SCHEDULE)
    timezone = string("The time zone that the schedule is meant in, such as UTC or Europe/Berlin")
    startdate = date("From when on it holds")
    enddate = date("Until when it holds")
    enabled = boolean("Whether it is followed")
    description_ = string()

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        vmschedule.update(
            ctx,
            self.id,
            schedule=self.schedule,
            timezone=self.timezone,
            start=self.startdate,
            end=self.enddate,
            enabled=self.enabled,
            description=self.description_,
        )
        return {"vmschedule": ctx.present("vmschedule", self.id["id"])[0]}


class DeleteVMSchedule(Command, name="deleteVMSchedule", response=SUCCESS, event="VM.SCHEDULE.DELETE", since="4.19.0"):
    """Deletes schedules of a virtual machine: those that are named, else all."""

    virtualmachineid = ref(VIRTUAL_MACHINE, required=True)
    id = ref(NOUN)
    ids = refs(NOUN)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, VIRTUAL_MACHINE, self.virtualmachineid)
        vmschedule.delete(ctx, self.virtualmachineid, [*([self.id] if self.id else []), *(self.ids or [])])
        return {"success": True}


class ListVMSchedule(ListCommand, name="listVMSchedule", response=VM_SCHEDULE, since="4.19.0"):
    """Lists the schedules of a virtual machine."""

    virtualmachineid = ref(VIRTUAL_MACHINE, required=True)
    id = ref(NOUN)
    action = string(values=vmschedule.ACTIONS)
    enabled = boolean("Only those that are followed, or only those that are not")

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            vmschedule.LISTING,
            vm=self.virtualmachineid["id"],
            id=id_of(self.id),
            action=self.action,
            enabled=self.enabled,
        )
