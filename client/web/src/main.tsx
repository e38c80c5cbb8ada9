import './trusted.ts';
import './styles.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html holds #root');
createRoot(root).render(
  <StrictMode>
    <main>medlock</main>
  </StrictMode>,
);
