/** The device's state, for hooks. */
import { useSyncExternalStore } from 'react';
import { device, type DeviceState } from '../device/device.ts';

export const useDevice = (): DeviceState => useSyncExternalStore(device.watch, device.snapshot);
