using System.Text.Json;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class GradcheckVerbTests
{
    private static readonly string[] Small = ["--layer-count", "3", "--width", "32", "--context-length", "8", "--batch-size", "2"];

    [TestMethod]
    [DataRow("midpoint", "float", "reversible")]
    [DataRow("midpoint", "exact", "reversible")]
    [DataRow("bdia:k=16", "exact", "checkpointed")]
    [DataRow("residual", "float", "checkpointed")]
    public void ItPrintsTheFieldsOfTheComparison(string scheme, string arithmetic, string backwardMode)
    {
        CliRun run = CliRun.Of(
            ["gradcheck", "--json", "--scheme", scheme, "--arithmetic", arithmetic, "--backward-mode", backwardMode, .. Small]);
        Assert.AreEqual((0, ""), (run.Code, run.Error));
        JsonElement line = run.Json.Single();
        CollectionAssert.AreEqual(
            new[]
            {
                "scheme", "arithmetic", "backward_mode", "parameters", "elements", "differing_elements", "max_relative_error", "agree",
            },
            line.EnumerateObject().Select(field => field.Name).ToArray());
        Assert.AreEqual(
            (arithmetic, backwardMode), (line.GetProperty("arithmetic").GetString(), line.GetProperty("backward_mode").GetString()));
        Assert.AreEqual(Scheme.Parse(scheme).Name, Scheme.Parse(line.GetProperty("scheme").GetString()!).Name);
        Assert.AreEqual(4 + 3 * 12, line.GetProperty("parameters").GetInt32());
        Assert.IsGreaterThan(3 * 12 * 32 * 32, line.GetProperty("elements").GetInt64());
        if (arithmetic == "exact") Assert.AreEqual(0, line.GetProperty("differing_elements").GetInt64());
        Assert.IsLessThan(1e-4, line.GetProperty("max_relative_error").GetDouble());
        Assert.IsTrue(line.GetProperty("agree").GetBoolean());
    }

    [TestMethod]
    public void ItPrintsALineForEachParameterToPeople()
    {
        CliRun run = CliRun.Of(["gradcheck", .. Small]);
        Assert.AreEqual((0, ""), (run.Code, run.Error));
        StringAssert.Contains(run.Out, "transformer.h.2.mlp.c_proj.bias");
        StringAssert.EndsWith(run.Out.TrimEnd(), "The gradients of the two backward modes agree.");
    }

    [TestMethod]
    [DataRow("--layer-count must be at least 1", "--layer-count", "0")]
    [DataRow("--batch-size must be at least 1", "--batch-size", "0")]
    [DataRow("cannot be run backwards", "--scheme", "residual")]
    [DataRow("--backward-mode must be checkpointed or reversible", "--backward-mode", "stored")]
    [DataRow("bits has no effect", "--scheme", "bdia:bits=9", "--arithmetic", "float", "--backward-mode", "checkpointed")]
    [DataRow("'tpu'", "--device", "tpu")]
    public void AWrongOptionIsRefused(string named, params string[] options) => CliRun.Of(["gradcheck", .. options]).AssertRefused(named);
}
