/** Whose the published key is, as far as this browser can tell with everything locked. */
import { keyState, type KeyState } from '../flows/register-key.ts';
import type { Loaded } from '../types/actions.ts';
import { useSignedIn } from './use-loaded.ts';

export const useKeyState = (): Loaded<KeyState> => useSignedIn(['key-state'], keyState);
