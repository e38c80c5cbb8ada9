import { lazy, type ComponentType, type LazyExoticComponent } from 'react';

const files: (() => Promise<unknown>)[] = [];

/** Returns a page whose file is fetched when it is first shown. */
function page<P>(load: () => Promise<ComponentType<P>>): LazyExoticComponent<ComponentType<P>> {
  files.push(load);
  return lazy(async () => ({ default: await load() }));
}

/**
 * Fetches the files of all pages in advance, so that every page still works if the server becomes unreachable. A file that cannot be
 * fetched now is fetched when its page is shown.
 */
export const fetchPages = (): void => void Promise.allSettled(files.map((load) => load()));

/** Every page is a separate file. Only the welcome page is part of the first one. */
export { WelcomePage } from '../pages/welcome/WelcomePage.tsx';
export const SetUpPage = page(async () => (await import('../pages/set-up/SetUpPage.tsx')).SetUpPage);
export const RecoveryPage = page(async () => (await import('../pages/set-up/RecoveryPage.tsx')).RecoveryPage);
export const UnlockPage = page(async () => (await import('../pages/unlock/UnlockPage.tsx')).UnlockPage);
export const WalletAlonePage = page(async () => (await import('../pages/wallet-alone/WalletAlonePage.tsx')).WalletAlonePage);
export const RecordsPage = page(async () => (await import('../pages/records/RecordsPage.tsx')).RecordsPage);
export const RecordPage = page(async () => (await import('../pages/records/RecordPage.tsx')).RecordPage);
export const GrantPage = page(async () => (await import('../pages/grant/GrantPage.tsx')).GrantPage);
export const RequestsPage = page(async () => (await import('../pages/requests/RequestsPage.tsx')).RequestsPage);
export const AccessPage = page(async () => (await import('../pages/access/AccessPage.tsx')).AccessPage);
export const ActivityPage = page(async () => (await import('../pages/activity/ActivityPage.tsx')).ActivityPage);
export const PatientsPage = page(async () => (await import('../pages/doctor/PatientsPage.tsx')).PatientsPage);
export const PatientPage = page(async () => (await import('../pages/doctor/PatientPage.tsx')).PatientPage);
export const AskPage = page(async () => (await import('../pages/doctor/AskPage.tsx')).AskPage);
export const NotePage = page(async () => (await import('../pages/doctor/NotePage.tsx')).NotePage);
export const LabPage = page(async () => (await import('../pages/lab/LabPage.tsx')).LabPage);
export const InvitationPage = page(async () => (await import('../pages/lab/InvitationPage.tsx')).InvitationPage);
export const AuditPage = page(async () => (await import('../pages/audit/AuditPage.tsx')).AuditPage);
export const AccreditationPage = page(async () => (await import('../pages/accreditation/AccreditationPage.tsx')).AccreditationPage);
export const SettingsPage = page(async () => (await import('../pages/settings/SettingsPage.tsx')).SettingsPage);
export const NotFoundPage = page(async () => (await import('../components/NotFoundPage.tsx')).NotFoundPage);
