/* Minified, and without its types: `ui/view.js` has those that are used. */
export const useContext: any;
export const useState: any;
export const useRef: any;
export const useMemo: any;
export const useEffect: any;
export const useLayoutEffect: any;
