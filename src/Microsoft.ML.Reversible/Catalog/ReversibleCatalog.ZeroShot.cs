namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleCatalog
{
    /// <summary>Loads a benchmark's file, in its published layout, as the columns of its task.</summary>
    /// <remarks>
    /// <para>
    /// PIQA, ARC, OpenBookQA, WinoGrande, HellaSwag and LAMBADA: one JSON object per line, with the fields of the authors' files, of
    /// Hugging Face's data sets, or (except HellaSwag) of MosaicML's evaluation files. OpenBookQA also as tab-separated values, MMLU as
    /// comma-separated values without a header, wikitext as plain text. The layout is recognised by the fields.
    /// </para>
    /// <para>
    /// All rows are read into memory. Files are UTF-8, of up to 256 MiB, with lines of up to 1 MiB. MosaicML's PIQA has no
    /// blanks around its choices; 118 of the published rows have some, and they affect scores.
    /// </para>
    /// </remarks>
    /// <param name="task">One of <see cref="ZeroShotTasks"/>.</param>
    /// <param name="path">
    /// The file. For a subject of MMLU also a folder with one file per subject, <c>anatomy_test.csv</c>, <c>_val</c> or <c>_dev</c> (the
    /// first of these that exists), or a folder with the folders <c>test</c>, <c>val</c> and <c>dev</c> of such files.
    /// </param>
    /// <param name="labelsPath">
    /// For PIQA and WinoGrande without answers in the rows, the file with one answer per line. <c>valid-labels.lst</c> in the folder of
    /// <c>valid.jsonl</c> is found without this argument.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The task is a custom one, whose data ML.NET's own loaders load; or its rows have labels, and a file of labels is given.
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
                $"'{task.Name}' is a task of your own, whose files only you know: load them with mlContext.Data.", nameof(task));
    }
}
