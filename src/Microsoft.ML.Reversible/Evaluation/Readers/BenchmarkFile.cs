namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>Reads the file of a benchmark as the columns of its task.</summary>
internal static class BenchmarkFile
{
    private static readonly string[] _splits = ["test", "val", "dev"];

    /// <exception cref="ArgumentException">The task is one's own, or has no labels beside its rows.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not the task's, or is damaged; the message names the line.</exception>
    public static IDataView Read(MLContext context, ZeroShotTask task, string path, string? labelsPath)
    {
        if (labelsPath is not null && task.Name is not ("piqa" or "winogrande"))
            throw new ArgumentException($"The rows of task '{task.Name}' hold their answers: leave the labels out.", nameof(labelsPath));
        return task switch
        {
            { IsBuiltIn: false } => throw new ArgumentException(
                $"'{task.Name}' is a task of your own, whose files only you know: load them with mlContext.Data.", nameof(task)),
            { Name: "piqa" } => View(context, task, path, PiqaRow.Read(path, labelsPath)),
            { Name: "arc_easy" or "arc_challenge" } => View(context, task, path, ArcRow.Read(path)),
            { Name: "openbookqa" } => View(context, task, path, OpenBookQaRow.Read(path)),
            { Name: "winogrande" } => View(context, task, path, WinograndeRow.Read(path, labelsPath)),
            { Name: "hellaswag" } => View(context, task, path, HellaSwagRow.Read(path)),
            { Name: "lambada_openai" } => View(context, task, path, LambadaRow.Read(path)),
            { Name: "wikitext" } => View(context, task, path, WikitextPage.Read(path)),
            _ => View(context, task, path, MmluRow.Read(SubjectFile(task, path))),
        };
    }

    private static IDataView View<TRow>(MLContext context, ZeroShotTask task, string path, IEnumerable<TRow> lazy)
        where TRow : class
    {
        TRow[] rows = [.. lazy];
        return rows.Length > 0
            ? context.Data.LoadFromEnumerable(rows)
            : throw new InvalidDataException($"{path} holds no row of task '{task.Name}'.");
    }

    /// <summary>The subject's file in a folder with one for each, or in the folder of a part of the data inside it.</summary>
    private static string SubjectFile(ZeroShotTask task, string path)
    {
        if (!Directory.Exists(path)) return path;
        string subject = ZeroShotTasks.SubjectOf(task);
        IEnumerable<string> names = _splits.Select(split => $"{subject}_{split}.csv");
        IEnumerable<string> inner = _splits.Select(split => Path.Combine(split, $"{subject}_{split}.csv"));
        return names.Concat(inner).Select(name => Path.Combine(path, name)).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException(
                $"The folder {path} has no file of subject '{subject}': {subject}_test.csv, {subject}_val.csv or {subject}_dev.csv.",
                Path.Combine(path, $"{subject}_test.csv"));
    }
}
