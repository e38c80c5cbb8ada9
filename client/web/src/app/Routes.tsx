import { Navigate, Route, Routes } from 'react-router';
import { isPractitioner, type Me } from '../types/session.ts';
import { homeOf } from './navigation.ts';
import {
  AccessPage,
  AccreditationPage,
  ActivityPage,
  AskPage,
  AuditPage,
  InvitationPage,
  LabPage,
  NotePage,
  NotFoundPage,
  PatientPage,
  PatientsPage,
  RecordPage,
  RecordsPage,
  RequestsPage,
  SettingsPage,
  GrantPage,
} from './pages.ts';
import { paths } from '../paths.ts';

/** The route of every page. Roles only decide which pages are offered; the contracts and the server decide what a person may do. */
export function AppRoutes({ me }: { readonly me: Me }) {
  return (
    <Routes>
      <Route path={paths.home} element={<Navigate to={homeOf(me)} replace />} />
      <Route path={paths.records} element={<RecordsPage me={me} />} />
      <Route path="/records/:record" element={<RecordPage />} />
      <Route path={paths.grant} element={<GrantPage />} />
      <Route path={paths.requests} element={<RequestsPage />} />
      <Route path={paths.access} element={<AccessPage />} />
      {/* When the session is unlocked, the page of permissions offers the same actions and more. */}
      <Route path={paths.walletAlone} element={<Navigate to={paths.access} replace />} />
      <Route path={paths.activity} element={<ActivityPage />} />
      <Route path={paths.settings} element={<SettingsPage me={me} />} />
      <Route path="/to/:address" element={<InvitationPage me={me} />} />
      {isPractitioner(me) && (
        <>
          <Route path={paths.patients} element={<PatientsPage me={me} />} />
          <Route path="/patients/:patient" element={<PatientPage />} />
          <Route path="/patients/:patient/records/:record" element={<RecordPage />} />
          <Route path="/patients/:patient/note" element={<NotePage me={me} />} />
          <Route path={paths.ask} element={<AskPage />} />
          <Route path={paths.lab} element={<LabPage me={me} />} />
        </>
      )}
      {me.roles.includes('auditor') && <Route path={paths.audit} element={<AuditPage />} />}
      {(me.accreditor || me.owner) && <Route path={paths.accreditation} element={<AccreditationPage me={me} />} />}
      <Route path="*" element={<NotFoundPage />} />
    </Routes>
  );
}
