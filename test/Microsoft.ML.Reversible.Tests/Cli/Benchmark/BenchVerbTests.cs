using System.Text.Json;
using Microsoft.ML.Reversible.Cli.Benchmark;

namespace Microsoft.ML.Reversible.Tests.Cli.Benchmark;

[TestClass]
public sealed class BenchVerbTests
{
    private static readonly string[] Shape =
        ["--layer-count", "2", "--width", "16", "--head-count", "2", "--vocabulary-size", "32"];

    private static readonly string[] Small = [.. Shape, "--context-length", "8", "--steps", "1"];

    private static readonly string[] Known = ["program", "mode", "family", "layers", "width", "heads", "context", "batch", "precision"];

    private static readonly string[] Settings = ["scheme", "backward_mode", "kept_layers", "arithmetic", "optimizer_placement", "device"];

    [TestMethod]
    public void EveryCombinationIsARowAndOneThatCannotBeSaysWhy()
    {
        CliRun run = CliRun.Of(
        [
            "bench", "--json", "--scheme", "midpoint", "residual", "--backward-mode", "reversible", "stored", "--batch-size", "2", .. Small,
        ]);
        Assert.AreEqual(0, run.Code, run.Error);
        JsonElement[] rows = run.Json;
        CollectionAssert.AreEqual(new[] { "rev", "store", "rev", "store" }, rows.Select(row => Text(row, "mode")).ToArray());
        CollectionAssert.AreEqual(
            new[] { "midpoint:0.5", "midpoint:0.5", "residual", "residual" }, rows.Select(row => Text(row, "scheme")).ToArray());
        StringAssert.Contains(Text(rows[2], "conflict"), "it has no inverse");
        CollectionAssert.AreEqual(Known.Concat(Settings).Append("conflict").ToArray(), Fields(rows[2]));
        foreach (JsonElement row in rows.Where((_, i) => i != 2))
        {
            CollectionAssert.AreEqual(
                Known.Concat(["chunk_loss", "tokens_per_s", "samples_per_s", "peak_gib", "loss"]).Concat(Settings)
                    .Concat(["libtorch", "step_s", "base_gib", "fixed_gib", "trained_parameters"]).ToArray(),
                Fields(row));
            Assert.AreEqual(Math.Log(32), row.GetProperty("loss").GetDouble(), 0.5);
            Assert.IsGreaterThan(0, row.GetProperty("tokens_per_s").GetDouble());
            Assert.IsGreaterThan(row.GetProperty("base_gib").GetDouble(), row.GetProperty("peak_gib").GetDouble());
        }
        // Each is announced where people read.
        Assert.HasCount(3, run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [TestMethod]
    public void ASearchEndsWithTheLargestBatchAndTheBest()
    {
        CliRun run = CliRun.Of(
        [
            "bench", "--json", "--search", "--search-steps", "3", "--batch-size", "2", "--max-batch", "3", "--context-length", "8",
            .. Shape,
        ]);
        Assert.AreEqual(0, run.Code, run.Error);
        JsonElement[] rows = run.Json;
        CollectionAssert.AreEqual(new[] { 2, 3 }, rows[..^1].Select(row => row.GetProperty("batch").GetInt32()).ToArray());
        JsonElement found = rows[^1];
        CollectionAssert.AreEqual(
            Known.Except(["batch"]).Concat(Settings).Concat(["largest_batch", "best_batch", "best_tokens_per_s", "limit"]).ToArray(),
            Fields(found));
        Assert.AreEqual((3, "max-batch"), (found.GetProperty("largest_batch").GetInt32(), Text(found, "limit")));
        Assert.AreEqual(
            rows[..^1].Max(row => row.GetProperty("tokens_per_s").GetDouble()), found.GetProperty("best_tokens_per_s").GetDouble());
    }

    [TestMethod]
    [DataRow("midpoint", "float", "after-backward")]
    [DataRow("blend:16", "exact", "inside-backward")]
    [DataRow("hamiltonian", "exact", "inside-backward")]
    public void PeopleGetATable(string scheme, string arithmetic, string placement)
    {
        CliRun run = CliRun.Of(
            ["bench", "--in-process", "--scheme", scheme, "--arithmetic", arithmetic, "--optimizer-placement", placement, .. Small]);
        Assert.AreEqual((0, ""), (run.Code, run.Error));
        foreach (string shown in new[] { "context 8, on cpu", "tokens/s", Scheme.Parse(scheme).ToString(), arithmetic, placement })
            StringAssert.Contains(run.Out, shown);
        string[] columns = run.Out.Split('\n').First(line => line.Contains("tokens/s")).Split('│')[1..^1];
        Assert.IsTrue(columns.All(column => column.Trim().Length > 0), string.Join('|', columns));
    }

    [TestMethod]
    public void TheOptimizersPlaceDoesNotChangeTheLoss()
    {
        string[] losses = [.. new[] { "after-backward", "inside-backward" }.Select(placement =>
            CliRun.Of(["bench", "--in-process", "--json", "--optimizer-placement", placement, .. Small])
                .Json.Single().GetProperty("loss").GetRawText())];
        Assert.AreEqual(losses[0], losses[1]);
    }

    [TestMethod]
    public void DeterminismReachesTheMeasuringProcess()
    {
        BenchConfiguration configuration = new BenchSettings { Device = "cuda", Deterministic = true }.Configurations().Single();
        CollectionAssert.Contains(configuration.Arguments, "--deterministic");
        Assert.IsTrue(JsonDocument.Parse(configuration.Row().ToJson()).RootElement.GetProperty("deterministic").GetBoolean());
        StringAssert.Contains(configuration.ToString(), "deterministic");
    }

    [TestMethod]
    public void ALackOfMemoryIsARow()
    {
        // More bytes than there are addresses.
        CliRun run = CliRun.Of(
            ["bench", "--in-process", "--json", .. Shape, "--context-length", $"{1 << 20}", "--batch-size", $"{1 << 30}"]);
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.IsTrue(run.Json.Single().GetProperty("out_of_memory").GetBoolean());
    }

    [TestMethod]
    public void WhereNothingGoesTogetherTheOptionsAreWrong()
    {
        CliRun run = CliRun.Of(["bench", "--json", "--scheme", "residual", "--backward-mode", "reversible", .. Small]);
        Assert.AreEqual(1, run.Code);
        StringAssert.Contains(Text(run.Json.Single(), "conflict"), "--backward-mode must be");
        StringAssert.Contains(run.Error, "cannot be run backwards");
    }

    [TestMethod]
    [DataRow("--layer-count must be at least 1", "--layer-count", "2", "0")]
    [DataRow("--batch-size must be at least 1", "--batch-size", "0")]
    [DataRow("--batch-size must be one number with --search", "--batch-size", "1", "2", "--search")]
    [DataRow("--head-count must divide --width", "--head-count", "7")]
    [DataRow("--steps must be at least 1", "--steps", "0")]
    [DataRow("--search-steps must be at least 1", "--search", "--search-steps", "0")]
    [DataRow("--max-batch has no effect without --search", "--max-batch", "8")]
    [DataRow("--max-batch must be at least --batch-size", "--search", "--max-batch", "4")]
    [DataRow("--in-process measures one configuration", "--in-process", "--layer-count", "1", "2")]
    [DataRow("--precision must be one of float32, bfloat16", "--precision", "float32", "fp8")]
    [DataRow("There is no scheme 'euler'", "--scheme", "midpoint", "euler")]
    [DataRow("'tpu'", "--device", "tpu")]
    public void AWrongOptionIsRefused(string named, params string[] options) => CliRun.Of(["bench", .. options]).AssertRefused(named);

    private static string[] Fields(JsonElement row) => [.. row.EnumerateObject().Select(field => field.Name)];

    private static string Text(JsonElement row, string field) => row.GetProperty(field).GetString()!;
}
