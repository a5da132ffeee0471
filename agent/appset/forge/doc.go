// Package forge asks servers what generators of ApplicationSets want to know of
// them: GitHub, GitLab and Gitea about pull requests and repositories, and plugins,
// services of an administrator, about anything.
//
// Start with [New]. What [Forge.For] returns answers for one ApplicationSet, and is
// those three methods of appset.Sources.
//
// It asks what Argo CD's controller asks, and gives the same answers, but for these:
//
//   - an answer is whole or an error: a list that is longer than may be read is not
//     cut, for Applications of what is missing would be deleted; and one of several pages
//     is read until it reads the same twice, for what changes between two pages may have
//     something be on neither;
//   - redirects to another host, and to links of one machine (where clouds have their
//     metadata), are not followed, and no environment variable stands in for a token;
//   - no branches are asked for of repositories that the filters leave out anyway.
package forge
