using System.Globalization;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The folder of a run's checkpoints, <c>step-00000500</c> and so on; one process at a time may hold it.</summary>
/// <remarks>
/// A checkpoint appears under its name when it is complete. One that is removed is renamed first, so that a process killed at any moment
/// leaves no incomplete checkpoint under a checkpoint's name.
/// </remarks>
internal sealed class RunFolder : IDisposable
{
    private const string Prefix = "step-";
    private const string LockFile = "run.lock";

    private readonly string _path;
    private readonly FileStream _lock;

    private RunFolder(string path, FileStream held) => (_path, _lock) = (path, held);

    /// <summary>The checkpoints with their steps, the latest first.</summary>
    public IReadOnlyList<(int Step, string Path)> Checkpoints =>
        [.. Directory.EnumerateDirectories(_path)
            .Select(folder => (Step: StepOf(Path.GetFileName(folder)), folder))
            .Where(found => found.Step >= 0 && PathOf(found.Step) == found.folder)
            .OrderByDescending(found => found.Step)];

    /// <summary>Makes the folder where it is missing, and holds it until disposal.</summary>
    /// <exception cref="IOException">Another run holds it, or it cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be written.</exception>
    public static RunFolder Open(string path)
    {
        string full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            PartialPath.ThrowNamed(e, $"Could not make the folder of checkpoints '{path}'");
            throw;
        }
        try
        {
            var held = new FileStream(Path.Combine(full, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            var folder = new RunFolder(full, held);
            folder.ClearLeftovers();
            return folder;
        }
        catch (IOException e)
        {
            throw new IOException(
                $"The folder of checkpoints '{path}' is held by another run, or cannot be written: {e.Message} " +
                "Wait for the other run to end, or give each run a folder of its own.", e);
        }
    }

    /// <summary>Where the checkpoint of a step is or will be.</summary>
    public string PathOf(int step) => Path.Combine(_path, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D8}"));

    /// <summary>Removes all checkpoints but the latest few and one more.</summary>
    /// <param name="kept">How many of the latest stay, at least 1.</param>
    /// <param name="step">
    /// Where the run stands. Damaged checkpoints of later steps, which were passed over, are not among the latest and stay until the run
    /// comes to them.
    /// </param>
    /// <param name="best">The step of one that stays in any case; null for none.</param>
    public void Prune(int kept, int step, int? best)
    {
        foreach ((int of, string folder) in Checkpoints.Where(found => found.Step <= step).Skip(kept))
            if (of != best) PartialPath.Clear(() => Remove(folder));
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static int StepOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int step)
            ? step
            : -1;

    private static void Remove(string folder)
    {
        string gone = PartialPath.Beside(folder, "gone");
        Directory.Move(folder, gone);
        Directory.Delete(gone, recursive: true);
    }

    /// <summary>
    /// Removes what a killed process left behind. No other process writes here while the lock is held. Where a checkpoint was being
    /// replaced and the new one has not been moved to its place, the old one is restored.
    /// </summary>
    private void ClearLeftovers()
    {
        foreach (string folder in Directory.GetDirectories(_path, Prefix + "*"))
        {
            foreach (string kind in (string[])["partial", "old", "gone"])
            {
                if (PartialPath.TargetOf(folder, kind) is not { } target || PathOf(StepOf(Path.GetFileName(target))) != target) continue;
                if (kind == "old" && !Directory.Exists(target)) PartialPath.Clear(() => Directory.Move(folder, target));
                else PartialPath.Clear(() => Directory.Delete(folder, recursive: true));
            }
        }
    }
}
