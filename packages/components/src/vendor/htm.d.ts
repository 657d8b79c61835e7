/* Minified, and without its types: `ui/view.js` has those that are used. */
declare const htm: any;
export default htm;
