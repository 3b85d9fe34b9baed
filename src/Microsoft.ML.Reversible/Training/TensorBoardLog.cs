using System.Globalization;
using Google.Protobuf;
using Microsoft.ML.Reversible.Storage;
using Tensorboard;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// Writes reports to an event file of TensorBoard. Each part of a run writes a file of its own; the events that a resumed run repeats are
/// removed from the files of the parts before it.
/// </summary>
/// <remarks>
/// TorchSharp's messages are used, but not its SummaryWriter: that gives the first event of a file a time in ticks instead of seconds,
/// writes each scalar as an event of its own, so that a killed process can leave half a report, and cannot resume.
/// </remarks>
internal sealed class TensorBoardLog : IDisposable
{
    private const string Prefix = "events.out.tfevents.", Suffix = ".reversible";

    private readonly FileStream _stream;

    /// <summary>Removes the events that the run repeats, and begins a file.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="step">
    /// The step that the run starts from; 0 replaces the files of an earlier run. Files of other programs are never changed.
    /// </param>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing a file is not permitted.</exception>
    public TensorBoardLog(string folder, int step)
    {
        try
        {
            Directory.CreateDirectory(folder);
            foreach (string file in Files(folder)) CutBack(file, step);
            // TensorBoard reads files in the order of their names. A file that began at the same step has been cut to nothing and deleted.
            string name = string.Create(
                CultureInfo.InvariantCulture, $"{Prefix}{DateTimeOffset.UtcNow.ToUnixTimeSeconds():D10}.{step:D8}{Suffix}");
            _stream = new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        }
        catch (Exception e)
        {
            Name(e, folder);
            throw;
        }
        Add(new Event { FileVersion = "brain.Event:2" });
        // A TensorBoard that has shown later steps already drops them at this event.
        if (step > 0) Add(new Event { Step = step + 1, SessionLog = new() { Status = SessionLog.Types.SessionStatus.Start } });
        _stream.Flush();
    }

    /// <summary>Checks that the folder can be written, and that no other run writes there. Changes no file.</summary>
    /// <exception cref="IOException">It cannot be written, or another run writes there.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing it is not permitted.</exception>
    public static void RequireWritable(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            TemporaryFile.Create(folder).Dispose();
            foreach (string file in Files(folder)) new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
        }
        catch (Exception e)
        {
            Name(e, folder);
            throw;
        }
    }

    /// <summary>Appends a report as one event; it is in the file when this returns.</summary>
    public void Add(TrainingProgress progress)
    {
        var summary = new Summary();
        foreach ((string tag, double value) in Scalars(progress))
            summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        Add(new Event { Step = progress.Step, Summary = summary });
        _stream.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static IEnumerable<(string Tag, double Value)> Scalars(TrainingProgress progress)
    {
        yield return ("train/loss", progress.Loss);
        yield return ("train/learning_rate", progress.LearningRate);
        yield return ("train/grad_norm", progress.GradNorm);
        yield return ("train/units_per_second", progress.UnitsPerSecond);
        if (progress.ValidationLoss is { } loss) yield return ("validation/loss", loss);
        foreach ((string name, double value) in progress.ValidationFigures) yield return ($"validation/{name}", value);
    }

    private static void Name(Exception e, string folder) =>
        PartialPath.ThrowNamed(e, $"Could not write event files to the folder '{folder}'");

    private static string[] Files(string folder) => Directory.GetFiles(folder, $"{Prefix}*{Suffix}");

    /// <summary>Removes the events of later steps and incomplete ones from a file, and the file if no report is left.</summary>
    private static void CutBack(string file, int step)
    {
        byte[] bytes = File.ReadAllBytes(file);
        (IReadOnlyList<ReadOnlyMemory<byte>> records, int length) = RecordFile.Read(bytes);
        ReadOnlyMemory<byte>[] kept = [.. records.Where(record => Parse(record) is var one && (one.Summary is null || one.Step <= step))];
        if (!kept.Any(record => Parse(record).Summary is not null)) File.Delete(file);
        else if (kept.Length < records.Count || length < bytes.Length)
            AtomicFile.Write(file, stream => Array.ForEach(kept, record => RecordFile.Append(stream, record.Span)));
    }

    // TorchSharp's messages cannot be read from spans.
    private static Event Parse(ReadOnlyMemory<byte> record) => Event.Parser.ParseFrom(record.ToArray());

    private void Add(Event report)
    {
        report.WallTime = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        RecordFile.Append(_stream, report.ToByteArray());
    }
}
