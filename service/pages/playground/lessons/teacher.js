// What a teacher sends: a link to this very step as it stands, with a few words on top.
import { h } from "../frame/dom.js";
import { icon } from "../frame/icons.js";
import { edit } from "../frame/state.js";
import { t } from "../words/language.js";
import { textField } from "../network/fields.js";
import { shareLink } from "../take/sharing.js";

const LONGEST = 280; // characters: a note, not a page

// Plain text whoever wrote it: it came with a link.
const noteOf = ({ lesson }) => String(lesson.note ?? "").trim().slice(0, LONGEST);

export function noteOnTop(shared) {
  const note = noteOf(shared);
  return note && h("aside", { class: "card lesson-note", "aria-label": t("lesson.note") }, h("strong", {}, t("lesson.note")), h("p", {}, note));
}

export function teacher(shared) {
  const field = textField({
    key: "lesson/note",
    label: t("lesson.note.field"),
    value: String(shared.lesson.note ?? "").slice(0, LONGEST),
    numeric: false,
    wide: true,
    set: (text) => edit("lesson note", ({ lesson }) => (lesson.note = text.slice(0, LONGEST))),
  });
  field.querySelector("input").maxLength = LONGEST;
  return h(
    "section",
    { class: "card lesson-teacher", "aria-labelledby": "teacher-title" },
    h("h3", { id: "teacher-title", class: "lesson-label" }, t("lesson.teacher")),
    h("p", { class: "note" }, t("lesson.teacher.note")),
    field,
    h("div", { class: "actions" }, h("button", { type: "button", class: "main", "data-key": "send-step", onclick: shareLink }, icon("link"), t("lesson.send"))),
  );
}
