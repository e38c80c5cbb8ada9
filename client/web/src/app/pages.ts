import { lazy } from 'react';

/** Every page is a file of its own, fetched when it is first shown; only the welcome page is there from the start. */
export { WelcomePage } from '../pages/welcome/WelcomePage.tsx';
export const SetUpPage = lazy(async () => ({ default: (await import('../pages/set-up/SetUpPage.tsx')).SetUpPage }));
export const RecoveryPage = lazy(async () => ({ default: (await import('../pages/set-up/RecoveryPage.tsx')).RecoveryPage }));
export const UnlockPage = lazy(async () => ({ default: (await import('../pages/unlock/UnlockPage.tsx')).UnlockPage }));
export const RecordsPage = lazy(async () => ({ default: (await import('../pages/records/RecordsPage.tsx')).RecordsPage }));
export const RecordPage = lazy(async () => ({ default: (await import('../pages/records/RecordPage.tsx')).RecordPage }));
export const SharePage = lazy(async () => ({ default: (await import('../pages/share/SharePage.tsx')).SharePage }));
export const RequestsPage = lazy(async () => ({ default: (await import('../pages/requests/RequestsPage.tsx')).RequestsPage }));
export const AccessPage = lazy(async () => ({ default: (await import('../pages/access/AccessPage.tsx')).AccessPage }));
export const ActivityPage = lazy(async () => ({ default: (await import('../pages/activity/ActivityPage.tsx')).ActivityPage }));
export const PatientsPage = lazy(async () => ({ default: (await import('../pages/doctor/PatientsPage.tsx')).PatientsPage }));
export const PatientPage = lazy(async () => ({ default: (await import('../pages/doctor/PatientPage.tsx')).PatientPage }));
export const AskPage = lazy(async () => ({ default: (await import('../pages/doctor/AskPage.tsx')).AskPage }));
export const NotePage = lazy(async () => ({ default: (await import('../pages/doctor/NotePage.tsx')).NotePage }));
export const LabPage = lazy(async () => ({ default: (await import('../pages/lab/LabPage.tsx')).LabPage }));
export const InvitationPage = lazy(async () => ({ default: (await import('../pages/lab/InvitationPage.tsx')).InvitationPage }));
export const AuditPage = lazy(async () => ({ default: (await import('../pages/audit/AuditPage.tsx')).AuditPage }));
export const AccreditationPage = lazy(async () => ({ default: (await import('../pages/accreditation/AccreditationPage.tsx')).AccreditationPage }));
export const SettingsPage = lazy(async () => ({ default: (await import('../pages/settings/SettingsPage.tsx')).SettingsPage }));
export const NotFoundPage = lazy(async () => ({ default: (await import('../pages/NotFoundPage.tsx')).NotFoundPage }));
