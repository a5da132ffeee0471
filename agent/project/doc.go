// Package project decides what an AppProject permits: from which repository, to which
// cluster and namespace, and with which kinds of objects an Application may work.
//
// Start with New, which compiles a project's lists once into Rules; Source, Destination
// and Object then answer with a Verdict, cheaply enough to be asked for every object of
// every pass, immediately before each verb. Application checks a whole Application, Lint
// warns of lists that mean more, or less, than they seem to.
//
// The rules are those of Argo CD 3.6 (AppProject's methods and validateSyncPermissions).
// Stricter, for a rule that cannot be read must not permit:
//   - a pattern that does not parse is an error of New; there it silently matches nothing,
//     so that a denial denies nothing;
//   - an address that does not parse, or with "." or ".." in its path, is permitted by the
//     lone * only, and where nothing is denied;
//   - a cluster without a name is nobody's scoped cluster.
//
// The package is pure: Rules keep no reference to the project, and are safe for
// concurrent use.
package project
