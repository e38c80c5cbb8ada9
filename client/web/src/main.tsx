import './trusted.ts';
import './styles/index.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';
import { applyTheme } from './ui/theme.ts';
import { removeLeftovers } from './workers/waiting-envelopes.ts';

applyTheme();
void removeLeftovers();
const root = document.getElementById('root');
if (root === null) throw new Error('index.html holds #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
