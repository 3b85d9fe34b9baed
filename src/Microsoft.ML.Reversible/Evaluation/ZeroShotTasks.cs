using System.Reflection;
using Microsoft.ML.Reversible.Evaluation;

namespace Microsoft.ML.Reversible;

/// <summary>The zero-shot tasks of lm-evaluation-harness, with its names and its prompts to the character.</summary>
/// <remarks>A task accepts any data with its columns, from the benchmark's files or elsewhere.</remarks>
public static partial class ZeroShotTasks
{
    // Each benchmark is a nested class in its own file, and is found by its base type.
    private static readonly Dictionary<string, ZeroShotTask> _byName = typeof(ZeroShotTasks).GetNestedTypes(BindingFlags.NonPublic)
        .Where(type => type.IsSubclassOf(typeof(Benchmark)))
        .OrderBy(type => type.Name, StringComparer.Ordinal)
        .SelectMany(type => ((Benchmark)Activator.CreateInstance(type)!).MakeTasks())
        .ToDictionary(task => task.Name);

    /// <summary>The names of all tasks.</summary>
    public static IReadOnlyCollection<string> Names => _byName.Keys;

    /// <summary>Returns a task by its name, such as <c>arc_easy</c> or <c>mmlu_anatomy</c>.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is no such task; the message lists the tasks.</exception>
    public static ZeroShotTask Named(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_byName.TryGetValue(name, out ZeroShotTask? task)) return task;
        IReadOnlyList<ZeroShotTask> members = InGroup(name);
        if (members.Count > 0)
            throw new ArgumentException(
                $"'{name}' is a group of {members.Count} tasks, such as {members[0].Name}: {nameof(InGroup)} returns them.",
                nameof(name));
        IEnumerable<string> singles = _byName.Values.Where(one => one.Groups.Count == 0).Select(one => one.Name);
        IEnumerable<string> groups = _byName.Values.Where(one => one.Groups.Count > 0).GroupBy(one => one.Groups[0])
            .Select(group => $"the {group.Count()} tasks of group {group.Key}, such as {group.First().Name}");
        throw new ArgumentException($"There is no task '{name}'. The tasks are {string.Join(", ", singles.Concat(groups))}.", nameof(name));
    }

    /// <summary>Returns the tasks of a group, such as <c>mmlu</c> or <c>mmlu_stem</c>; none if there is no such group.</summary>
    /// <param name="group">The group.</param>
    public static IReadOnlyList<ZeroShotTask> InGroup(string group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return [.. _byName.Values.Where(task => task.Groups.Contains(group))];
    }
}
