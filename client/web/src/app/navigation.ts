import {
  Activity,
  BadgeCheck,
  ClipboardList,
  Eye,
  FolderHeart,
  Inbox,
  ScrollText,
  Send,
  Settings,
  Share2,
  type LucideIcon,
} from 'lucide-react';
import { isPractitioner, type Me } from '../types/session.ts';
import type { Key } from '../i18n/en.ts';
import { paths } from '../paths.ts';

/** One item of the navigation. */
export interface NavigationItem {
  readonly to: string;
  readonly label: Key & `nav.${string}`;
  readonly icon: LucideIcon;
}

/** Items below a heading. */
interface NavigationGroup {
  readonly label: Key & `nav.group.${string}`;
  readonly items: readonly NavigationItem[];
}

const PATIENT: readonly NavigationItem[] = [
  { to: paths.records, label: 'nav.records', icon: FolderHeart },
  { to: paths.grant, label: 'nav.share', icon: Share2 },
  { to: paths.requests, label: 'nav.requests', icon: Inbox },
  { to: paths.access, label: 'nav.access', icon: Eye },
  { to: paths.activity, label: 'nav.activity', icon: Activity },
];
function work(me: Me): readonly NavigationItem[] {
  return [
    ...(isPractitioner(me) ? [{ to: paths.patients, label: 'nav.doctor', icon: ClipboardList } as const] : []),
    ...(isPractitioner(me) ? [{ to: paths.lab, label: 'nav.lab', icon: Send } as const] : []),
    ...(me.roles.includes('auditor') ? [{ to: paths.audit, label: 'nav.auditor', icon: ScrollText } as const] : []),
    ...(me.accreditor || me.owner ? [{ to: paths.accreditation, label: 'nav.accreditor', icon: BadgeCheck } as const] : []),
  ];
}

/** Returns the navigation for a person. Everybody is a patient. For people with a role, the pages for their work come first. */
export function navigationOf(me: Me): readonly NavigationGroup[] {
  const items = work(me);
  const own: NavigationGroup = { label: 'nav.group.patient', items: PATIENT };
  return items.length > 0 ? [{ label: 'nav.group.work', items }, own] : [own];
}

/** The item for everybody, below the groups. */
export const SETTINGS: NavigationItem = { to: paths.settings, label: 'nav.settings', icon: Settings };

/** Returns the start page of a person. */
export const homeOf = (me: Me): string =>
  me.roles.includes('lab') && !me.roles.includes('doctor') ? paths.lab : (work(me)[0]?.to ?? paths.records);
