/* Minified, and without its types: `ui/view.js` has those that are used. */
export const h: any;
export const render: any;
export const createContext: any;
