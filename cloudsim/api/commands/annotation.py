"""Comments on things."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import boolean, string
from cloudsim.api.responses.annotation import ANNOTATION
from cloudsim.core.errors import BadParameter
from cloudsim.services import access, annotation
from cloudsim.services.context import Context
from cloudsim.services.nouns import USER


class AddAnnotation(Command, name="addAnnotation", response=ANNOTATION, event="ANNOTATION.CREATE", since="4.11"):
    """Writes a comment on a thing."""

    adminsonly = boolean("Whether only root admins may read it", since="4.16.0")
    annotation = string("The comment")
    entityid = string("What it is on")
    entitytype = string("The kind of what it is on")

    def run(self, ctx: Context) -> Body:
        for name in ("annotation", "entityid", "entitytype"):
            if getattr(self, name) is None:
                raise BadParameter(f"parameter {name} is missing")
        made = annotation.add(
            ctx, annotation.kind_of(self.entitytype), self.entityid, self.annotation, bool(self.adminsonly)
        )
        return {"annotation": ctx.present("annotation", made)[0]}


class ListAnnotations(ListCommand, name="listAnnotations", response=ANNOTATION, since="4.11"):
    """Lists the comments on a thing, or those the caller wrote."""

    annotationfilter = string("Whose: self or all", values=("self", "all"), since="4.16.0")
    entityid = string("What they are on")
    entitytype = string("The kind of what they are on")
    id = string("The comment")
    userid = string("Who wrote them", since="4.16.0")

    def run(self, ctx: Context) -> Body:
        found = annotation.search(
            ctx,
            self.paging(ctx),
            kind=annotation.kind_of(self.entitytype) if self.entitytype else None,
            entity=self.entityid,
            which=self.annotationfilter or "all",
            user=access.find(ctx, USER, self.userid) if self.userid else None,
            keyword=self.keyword,
            id=self.id,
        )
        return self.answer(ctx, found)


class RemoveAnnotation(Command, name="removeAnnotation", response=ANNOTATION, event="ANNOTATION.REMOVE", since="4.11"):
    """Deletes a comment."""

    id = string("The comment", required=True)

    def run(self, ctx: Context) -> Body:
        return {"annotation": ctx.present("annotation", annotation.remove(ctx, self.id))[0]}


class UpdateAnnotationVisibility(Command, name="updateAnnotationVisibility", response=ANNOTATION, since="4.16"):
    """Says who may read a comment."""

    adminsonly = boolean("Whether only root admins may read it", required=True)
    id = string("The comment", required=True)

    def run(self, ctx: Context) -> Body:
        return {"annotation": ctx.present("annotation", annotation.show(ctx, self.id, self.adminsonly))[0]}
