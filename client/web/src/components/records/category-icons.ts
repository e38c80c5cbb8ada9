import {
  Bone,
  Eye,
  FileText,
  FlaskConical,
  HeartPulse,
  Mail,
  Microscope,
  NotebookPen,
  Pill,
  ReceiptText,
  ScanLine,
  Smile,
  Stethoscope,
  Syringe,
  Wheat,
  type LucideIcon,
} from 'lucide-react';
import type { Category } from '../../protocol/codes.ts';

/** The icon for each category, shown beside its name. */
export const CATEGORY_ICONS: Readonly<Record<Category, LucideIcon>> = {
  unspecified: FileText,
  laboratory: FlaskConical,
  imaging: ScanLine,
  cardiology: HeartPulse,
  medication: Pill,
  immunization: Syringe,
  letter: Mail,
  procedure: Bone,
  allergy: Wheat,
  diagnosis: Stethoscope,
  note: NotebookPen,
  dental: Smile,
  eye: Eye,
  pathology: Microscope,
  administrative: ReceiptText,
};
