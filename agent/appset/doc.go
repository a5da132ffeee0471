// Package appset makes Applications of ApplicationSets. It is a function of its
// arguments: what generators ask about (trees, clusters, pull requests) is handed in
// by [Sources], the time by [Options]. The same set over the same answers gives the
// same Applications, in the same order.
//
// Start with [Generate]. What then is to be done with live Applications is said by
// [Plan], and in which order a rolling sync goes through them by [StepsOf].
//
// It does what Argo CD's controller does (SEMANTICS.md 1.9), but for these:
//
//   - nothing is generated at all if any generator or template fails, and the error
//     says which, for which parameters, in which field;
//   - templates are bounded in time, loops and what they write, and may not use the
//     functions of sprig that give something else each time (randAlphaNum, genCA):
//     an Application made of these would never be at rest;
//   - merge and clusters generators keep an order: that of the first child, and of
//     names;
//   - an approval that somebody has put on an Application stays there;
//   - a step of a rolling sync is over when its Applications are known to be compared at
//     the newest commits, and not before: no commit reaches a later step first;
//   - nothing is deleted as long as a name is generated that is none, or twice: it is
//     not known then which live Application is meant;
//   - a generator with an empty result deletes no more than half of the Applications
//     by itself (DESIGN.md D10).
package appset
