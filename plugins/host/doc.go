// Package host starts plugins, keeps them running, and calls them: as long as it
// lives, whatever they do.
//
// Start with [New] and [Host.Render]. A plugin is a process of its own
// (package sdk says what it sees); it is started at its first call, called with
// a deadline, bounded in what it may take and give, killed with all its
// children when it oversteps, and started again. A crash, hang or flood fails
// one call, with an [Error] that names plugin, application and call.
//
// Locks: a [pool] guards its processes; nothing else is shared.
package host
