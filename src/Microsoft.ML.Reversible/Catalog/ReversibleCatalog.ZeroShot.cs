namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleCatalog
{
    /// <summary>Loads a benchmark's file, in its published layout, as the columns of its task.</summary>
    /// <remarks>
    /// <para>
    /// PIQA, ARC, OpenBookQA, WinoGrande, HellaSwag and LAMBADA: one JSON object per line, with the fields of the authors' files, of
    /// Hugging Face's data sets, or (except HellaSwag) of MosaicML's evaluation files. OpenBookQA may also be tab-separated values. MMLU is
    /// comma-separated values, with or without a header, or Hugging Face's JSON lines; wikitext is plain text, or Hugging Face's JSON lines
    /// of articles or of lines. The layout is recognised by the fields. Blank lines are skipped.
    /// </para>
    /// <para>
    /// All rows are read into memory. Files are UTF-8, of up to 256 MiB, with lines of up to 1 MiB. In 118 rows of the published PIQA the
    /// choices have surrounding blanks, which affect scores; MosaicML's file has them removed.
    /// </para>
    /// </remarks>
    /// <param name="task">One of <see cref="ZeroShotTasks"/>.</param>
    /// <param name="path">
    /// The file. For a subject of MMLU, rows of other subjects in a file of JSON lines are left out; and the path may be a folder with one
    /// file per subject, <c>anatomy_test.csv</c> or <c>.jsonl</c>, <c>_val</c> or <c>_dev</c> (the first of these that exists), or with the
    /// folders <c>test</c>, <c>val</c> and <c>dev</c> of such files.
    /// </param>
    /// <param name="labelsPath">
    /// For PIQA and WinoGrande without answers in the rows, the file with one answer per line. <c>valid-labels.lst</c> in the folder of
    /// <c>valid.jsonl</c> is found without this argument.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The task is a custom one, whose data must be loaded with ML.NET's own loaders; or a file of labels is given although the rows have
    /// labels.
    /// </exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is empty, too large, damaged or of another task; the message names the line, counted from 1.
    /// </exception>
    public IDataView LoadZeroShot(ZeroShotTask task, string path, string? labelsPath = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentException.ThrowIfNullOrEmpty(path);
        return task.Benchmark is { } benchmark
            ? benchmark.Load(_context, task, path, labelsPath)
            : throw new ArgumentException(
                $"'{task.Name}' is a custom task: load its data with mlContext.Data.", nameof(task));
    }
}
