import { createContext, useContext } from 'react';
import type { Membership, Project, User, Viewer } from '~/gql/types';

export interface ProjectInOrg {
  readonly project: Project;
  readonly org: Membership['org'];
  /** What stands in the address: the key, made unique when two organisations use the same. */
  readonly slug: string;
}

export function projectsOf(viewer: Viewer): readonly ProjectInOrg[] {
  const all = viewer.orgs.flatMap(({ org }) => org.projects.map((project) => ({ project, org })));
  const uses = new Map<string, number>();
  for (const { project } of all) uses.set(project.key, (uses.get(project.key) ?? 0) + 1);
  return all.map(({ project, org }) => ({
    project,
    org,
    slug: uses.get(project.key) === 1 ? project.key : `${project.key}-${project.id.slice(-6)}`,
  }));
}

export interface ViewerValue {
  readonly viewer: Viewer;
  readonly projects: readonly ProjectInOrg[];
  /** The organisation that is being looked at; none for somebody who is in none. */
  readonly membership: Membership | undefined;
  readonly chooseOrg: (orgId: string) => void;
  /** Reads anew who is signed in, and answers the projects of that moment. */
  readonly reload: () => Promise<readonly ProjectInOrg[]>;
  readonly signOut: () => Promise<void>;
}

export const ViewerContext = createContext<ViewerValue | null>(null);

export function useViewer(): ViewerValue {
  const value = useContext(ViewerContext);
  if (!value) throw new Error('useViewer stands outside of the signed-in part of the app');
  return value;
}

export const membersOf = (org: Membership['org']): readonly User[] => org.members.map((member) => member.user);

const KEY = 'lime.org';

export function rememberedOrg(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    // Storage is off: the first organisation is as good.
    return null;
  }
}

export function rememberOrg(orgId: string): void {
  try {
    localStorage.setItem(KEY, orgId);
  } catch {
    // as above
  }
}
