using System.Globalization;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Training;

/// <summary>The folder of a run's checkpoints, <c>step-00000500</c> and so on. Only one process at a time may open it.</summary>
/// <remarks>
/// A checkpoint gets its name only when it is complete, and is renamed before it is deleted. So a process that is killed at any time leaves
/// no incomplete checkpoint under a checkpoint's name.
/// </remarks>
internal sealed class RunFolder : IDisposable
{
    private const string Prefix = "step-";
    private const string LockFile = "run.lock";

    private readonly string _path;
    private readonly FileStream _lock;

    private RunFolder(string path, FileStream held) => (_path, _lock) = (path, held);

    /// <summary>The checkpoints and their steps, the latest first.</summary>
    public IReadOnlyList<(int Step, string Path)> Checkpoints =>
        [.. Directory.EnumerateDirectories(_path)
            .Select(folder => (Step: StepOf(Path.GetFileName(folder)), folder))
            .Where(found => found.Step >= 0 && PathOf(found.Step) == found.folder)
            .OrderByDescending(found => found.Step)];

    /// <summary>Creates the folder if it is missing, and locks it until disposal.</summary>
    /// <exception cref="IOException">Another run uses it, or it cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing it is not permitted.</exception>
    public static RunFolder Open(string path)
    {
        string full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            PartialPath.ThrowNamed(e, $"Could not create the checkpoint folder '{path}'");
            throw;
        }
        try
        {
            var held = new FileStream(Path.Combine(full, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            var folder = new RunFolder(full, held);
            try
            {
                folder.ClearLeftovers();
            }
            catch
            {
                folder.Dispose();
                throw;
            }
            return folder;
        }
        catch (IOException e)
        {
            throw new IOException(
                $"The checkpoint folder '{path}' is in use by another run, or cannot be written: {e.Message} " +
                "Wait for the other run to end, or give each run its own folder.", e);
        }
    }

    /// <summary>Returns the path of the checkpoint of a step, whether or not it exists.</summary>
    public string PathOf(int step) => Path.Combine(_path, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D8}"));

    /// <summary>Removes all checkpoints except the latest few and the best one.</summary>
    /// <param name="kept">The number of latest checkpoints to keep, at least 1.</param>
    /// <param name="step">
    /// The run's current step. Checkpoints of later steps, which were skipped as damaged, do not count as latest and stay until the run
    /// reaches their steps.
    /// </param>
    /// <param name="best">The step of a checkpoint that is always kept; null for none.</param>
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
    /// Removes the leftovers of a killed process; the lock ensures that no other process writes here. If a checkpoint was being replaced
    /// and the new one is not yet in its place, the old one is restored.
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
