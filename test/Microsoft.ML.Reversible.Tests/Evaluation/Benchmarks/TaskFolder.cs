using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Benchmarks;

/// <summary>Small files of benchmarks in a temporary folder.</summary>
internal sealed class TaskFolder : IDisposable
{
    private static readonly MLContext Ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    public string FullName => _scratch.FullName;

    public string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    public string Write(string name, byte[] bytes)
    {
        string path = _scratch.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public static IDataView Load(string task, string path, string? labelsPath = null) =>
        Ml.Reversible().LoadZeroShot(ZeroShotTasks.Named(task), path, labelsPath);

    public static ZeroShotItem[] Items(string task, string path, string? labelsPath = null) =>
        [.. ZeroShotTasks.Named(task).Items(Load(task, path, labelsPath))];

    public void Dispose() => _scratch.Dispose();
}
