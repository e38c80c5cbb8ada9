/** The sentence before each signature. */
import { useMemo, useSyncExternalStore } from 'react';
import { announced, cancelAnnouncement, confirmAnnouncement, onAnnouncement } from '../device/announcer.ts';
import type { AnnouncementControl } from '../types/signing.ts';

export function useAnnouncement(): AnnouncementControl {
  const current = useSyncExternalStore(onAnnouncement, announced);
  return useMemo(() => ({ current, confirm: confirmAnnouncement, cancel: cancelAnnouncement }), [current]);
}
