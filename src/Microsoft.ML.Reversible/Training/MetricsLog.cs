using System.Text;
using System.Text.Json;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Training;

/// <summary>A file of reports as lines of JSON.</summary>
internal sealed class MetricsLog : IDisposable
{
    private readonly StreamWriter _writer;

    /// <summary>Opens the file, and removes the lines of steps that the resumed run repeats.</summary>
    /// <param name="path">The file.</param>
    /// <param name="step">The step that the run starts from; 0 begins a new file.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing the file is not permitted.</exception>
    public MetricsLog(string path, int step)
    {
        if (step > 0 && File.Exists(path)) CutBack(path, step);
        // If no line is removed, the file is opened and not replaced, because the path may be a pipe or a device.
        _writer = new StreamWriter(path, append: step > 0) { NewLine = "\n", AutoFlush = true };
    }

    /// <summary>Checks that the file can be written, without changing its content.</summary>
    /// <exception cref="IOException">It cannot be written, or another run writes it.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing it is not permitted.</exception>
    public static void RequireWritable(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using var stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.None);
        }
        catch (Exception e)
        {
            PartialPath.ThrowNamed(e, $"Could not write the metrics file '{path}'");
            throw;
        }
    }

    /// <summary>Appends a report; it is in the file when this returns.</summary>
    public void Add(TrainingProgress progress) => _writer.WriteLine(progress.ToJson());

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    private static void CutBack(string path, int step)
    {
        string[] lines = File.ReadAllLines(path);
        string[] kept = [.. lines.Where(line => StepOf(line) is { } s && s <= step)];
        if (kept.Length == lines.Length) return;
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(string.Concat(kept.Select(line => line + "\n")))));
    }

    /// <summary>Returns the step of a line; null for one that a killed process left incomplete.</summary>
    private static int? StepOf(string line)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return json.RootElement.TryGetProperty("step", out JsonElement step) && step.TryGetInt32(out int value) ? value : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
