// @ts-check
import { useState } from "./view.js";

/**
 * Lets files be dropped onto an element.
 *
 * @param {((files: FileList) => void) | undefined} onFiles nothing where none are taken
 * @returns {{isOver: boolean, handlers: Record<string, (event: DragEvent) => void>}}
 */
export function useDrop(onFiles) {
  const [isOver, setOver] = useState(false);
  const hasFiles = (/** @type {DragEvent} */ { dataTransfer }) => onFiles !== undefined && dataTransfer !== null && dataTransfer.types.includes("Files");
  const onDragOver = (/** @type {DragEvent} */ event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(true);
  };
  const onDragLeave = (/** @type {DragEvent} */ { currentTarget, relatedTarget }) => {
    // From one of its elements to another, one is still over it.
    if (!(/** @type {Element} */ (currentTarget).contains(/** @type {Node | null} */ (relatedTarget)))) setOver(false);
  };
  const onDrop = (/** @type {DragEvent} */ event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(false);
    onFiles?.(/** @type {DataTransfer} */ (event.dataTransfer).files);
  };
  return { isOver, handlers: { onDragOver, onDragLeave, onDrop } };
}
