/** The words that the protocol has for categories, purposes, roles, rights and states. */

export const CATEGORIES = [
  'unspecified',
  'laboratory',
  'imaging',
  'cardiology',
  'medication',
  'immunization',
  'letter',
  'procedure',
  'allergy',
  'diagnosis',
  'note',
  'dental',
  'eye',
  'pathology',
  'administrative',
] as const;
export type Category = (typeof CATEGORIES)[number];
export const PURPOSES = ['TREAT', 'ETREAT', 'BTG', 'HPAYMT', 'HOPERAT', 'HRESCH', 'PATRQT', 'FAMRQT', 'PUBHLTH', 'COC'] as const;
export type Purpose = (typeof PURPOSES)[number];
export const ROLES = ['doctor', 'nurse', 'lab', 'pharmacy', 'auditor', 'emergency', 'researcher'] as const;
export type Role = (typeof ROLES)[number];
export type Right = 'read' | 'write';
export type RecordStatus = 'active' | 'superseded' | 'tombstoned';
