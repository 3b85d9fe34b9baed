using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class MetricsLogTests
{
    /// <summary>The file must be written in place, not replaced: it may be a device or a pipe.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(3)]
    public void WhereNothingIsCutTheFileThatIsThereIsWritten(int step)
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("metrics.jsonl");
        File.WriteAllText(path, "{\"step\":3}\n");
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        using (var log = new MetricsLog(path, step)) log.Add(new TrainingProgress(4, 9, 1, 1, 1, 1, 1, null));

        string[] lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(step == 0 ? 1 : 2, lines);
        StringAssert.Contains(lines[^1], "\"step\":4");
    }

    [TestMethod]
    public void LinesOfLaterStepsAndBrokenOnesAreCut()
    {
        using var scratch = new ScratchFolder();
        string path = scratch.File("metrics.jsonl");
        File.WriteAllText(path, "{\"step\":1}\n{\"step\":2}\nnonsense\n{\"step\":3}\n{\"st");
        new MetricsLog(path, step: 2).Dispose();
        Assert.AreEqual("{\"step\":1}\n{\"step\":2}\n", File.ReadAllText(path));
    }
}
