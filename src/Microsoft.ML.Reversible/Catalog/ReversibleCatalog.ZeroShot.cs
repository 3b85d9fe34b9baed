namespace Microsoft.ML.Reversible;

public sealed partial class ReversibleCatalog
{
    /// <summary>Loads a benchmark's file, in the layout in which it is published, as the columns of its task.</summary>
    /// <remarks>
    /// <para>
    /// PIQA, ARC, OpenBookQA, WinoGrande, HellaSwag and LAMBADA: one JSON object in each line, with the fields of the authors' files, of
    /// Hugging Face's data sets, or (except HellaSwag) of MosaicML's evaluation files. OpenBookQA also as tab-separated values, MMLU as
    /// comma-separated values without a header, wikitext as plain text. Which it is, the fields tell.
    /// </para>
    /// <para>
    /// The rows are read at once and kept in memory. Files are UTF-8, of up to 256 MiB, with lines of up to 1 MiB. MosaicML's PIQA has no
    /// blanks around its choices while 118 of the published rows have some, which count in scores.
    /// </para>
    /// </remarks>
    /// <param name="task">One of <see cref="ZeroShotTasks"/>.</param>
    /// <param name="path">
    /// The file; for a subject of MMLU also a folder with a file for each, <c>anatomy_test.csv</c>, <c>_val</c> or <c>_dev</c> (the first
    /// of these that there is), or with the folders <c>test</c>, <c>val</c> and <c>dev</c> of them.
    /// </param>
    /// <param name="labelsPath">
    /// For PIQA and WinoGrande without answers in the rows, the file with one in each line; <c>valid.jsonl</c> has
    /// <c>valid-labels.lst</c> beside it, which needs no naming.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The task is one of your own, whose data ML.NET's own loaders load; or it has labels in its rows, and a file of labels is given.
    /// </exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is empty, too large, damaged or another task's; the message names the line, counted from 1.
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
