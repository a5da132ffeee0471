// Package validate tells what is wrong with objects before any cluster sees them:
// what an API server would refuse, and what it would take and nobody meant.
//
// Start with [New] and [Checker.Set], which gives a [Problem] for each fault, and
// with a [Locator], which finds the line that a problem is about and makes it a
// [Finding]. [Silences] are the findings that somebody has accepted. All of it is
// a function of the objects and of the files they were written in.
package validate
