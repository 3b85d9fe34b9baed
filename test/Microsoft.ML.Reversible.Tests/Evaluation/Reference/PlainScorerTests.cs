using System.Text.Json;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>Tests the reference against numbers that were computed without it.</summary>
[TestClass]
public sealed class PlainScorerTests
{
    [TestMethod]
    public void The_reference_reads_a_text_as_the_recorded_forward_does()
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(TestData.Require("stories260k/golden.json")));
        JsonElement expected = golden.RootElement;
        int[] ids = [.. expected.GetProperty("input_ids").EnumerateArray().Select(i => i.GetInt32())];
        double[] losses = [.. expected.GetProperty("nll").EnumerateArray().Select(i => i.GetDouble())];
        double[] last = [.. expected.GetProperty("logits_last").EnumerateArray().Select(i => i.GetDouble())];

        double[][] rows = PlainModel.Reader().LastLogProbabilities(ids, ids.Length);

        for (int t = 0; t < losses.Length; t++) Assert.AreEqual(losses[t], -rows[t][ids[t + 1]], 1e-5, $"token {t + 1}");
        double total = PlainRows.Softmax([.. last]);
        for (int v = 0; v < last.Length; v++) Assert.AreEqual(last[v] - total, rows[^1][v], 1e-5, $"logit {v}");
        CollectionAssert.AreEqual(ids, PlainModel.Tokenizer().EncodeWithBegin(expected.GetProperty("text").GetString()!));
    }

    [TestMethod]
    public void What_the_reference_has_read_before_changes_nothing()
    {
        var reader = PlainModel.Reader();
        int[] first = [1, 403, 407, 261, 378, 432], second = [1, 403, 407, 300, 378, 10];
        double[][] fresh = reader.Another().LastLogProbabilities(second, 3);

        reader.LastLogProbabilities(first, 2);
        double[][] after = reader.LastLogProbabilities(second, 3);

        for (int t = 0; t < 3; t++) CollectionAssert.AreEqual(fresh[t], after[t]);
    }
}
