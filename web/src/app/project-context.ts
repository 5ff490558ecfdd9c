import { createContext, useContext } from 'react';
import type { ProjectInOrg } from './viewer-context';

export const ProjectContext = createContext<ProjectInOrg | null>(null);

export function useProject(): ProjectInOrg {
  const value = useContext(ProjectContext);
  if (!value) throw new Error('useProject stands outside of a project route');
  return value;
}

const KEY = 'lime.project';

/** Where `/` leads: the project that was open last. */
export function rememberedProject(projects: readonly ProjectInOrg[]): ProjectInOrg | undefined {
  let slug: string | null = null;
  try {
    slug = localStorage.getItem(KEY);
  } catch {
    // Storage is off: the first project is as good.
  }
  return projects.find((candidate) => candidate.slug === slug) ?? projects[0];
}

export function rememberProject(slug: string): void {
  try {
    localStorage.setItem(KEY, slug);
  } catch {
    // as above
  }
}
