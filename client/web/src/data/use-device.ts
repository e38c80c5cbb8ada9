/** Gives hooks the state of the device. */
import { useSyncExternalStore } from 'react';
import { device, type DeviceState } from '../device/device.ts';

export const useDevice = (): DeviceState => useSyncExternalStore(device.watch, device.snapshot);
