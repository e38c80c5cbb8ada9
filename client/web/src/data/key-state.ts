/** Tells whose key is published, as far as this browser can know while the session is locked. */
import { keyState, type KeyState } from '../flows/register-key.ts';
import type { Loaded } from '../types/actions.ts';
import { useSignedIn } from './use-loaded.ts';

export const useKeyState = (): Loaded<KeyState> => useSignedIn(['key-state'], keyState);
