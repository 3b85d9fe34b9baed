using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed partial class PreferenceFileTests
{
    private static readonly MLContext Ml = new();
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DataRow("""{"prompt":"Hi","chosen":"Hello","rejected":"No"}""", "user:Hi")]
    [DataRow("""{"prompt":"Hi","chosen":"Hello","rejected":"No","system":"be","score":3}""", "system:be user:Hi")]
    [DataRow("""{"prompt":[user(Hi)],"chosen":[assistant(Hello)],"rejected":[assistant(No)]}""", "user:Hi")]
    [DataRow("""{"prompt":[{"from":"human","value":"Hi"}],"chosen":"Hello","rejected":"No"}""", "user:Hi")]
    [DataRow("""{"chosen":[user(Hi),assistant(Hello)],"rejected":[user(Hi),assistant(No)]}""", "user:Hi")]
    [DataRow("""{"prompt":"Hi","chosen":[user(Hi),assistant(Hello)],"rejected":[user(Hi),assistant(No)]}""", "user:Hi")]
    public void LayoutsAreRead(string line, string prompt)
    {
        PreferenceRow row = Read(line).Single();
        Assert.AreEqual(prompt, string.Join(' ', row.Roles.Zip(row.Texts, (role, text) => $"{role}:{text}")));
        Assert.AreEqual(("Hello", "No"), (row.Chosen, row.Rejected));
    }

    [TestMethod]
    [DataRow("""{"prompt":"Hi","chosen":"Hello"}""", "has no 'rejected'")]
    [DataRow("""{"prompt":"Hi","rejected":"Hello"}""", "has no 'chosen'")]
    [DataRow("""{"prompt":"Hi","chosen":null,"rejected":"x"}""", "has no 'chosen'")]
    [DataRow("""{"chosen":"Human: Hi Assistant: Hello","rejected":"x"}""", "has no 'prompt'")]
    [DataRow("""{"prompt":"Hi","chosen":"a","rejected":[assistant(b)]}""", "both be text")]
    [DataRow("""{"chosen":[assistant(a)],"rejected":[assistant(b)]}""", "not whole conversations")]
    [DataRow("""{"chosen":[user(a),assistant(a)],"rejected":[user(b),assistant(b)]}""", "except for the assistant's last turn")]
    [DataRow("""{"chosen":[user(a)],"rejected":[user(a)]}""", "must end with a turn of the assistant")]
    [DataRow("""{"prompt":[],"chosen":[assistant(a)],"rejected":[assistant(b)]}""", "the prompt is empty")]
    [DataRow("""{"prompt":[robot(a)],"chosen":[assistant(a)],"rejected":[assistant(b)]}""", "turn 1 has the role 'robot'")]
    [DataRow("[]", "not a JSON object")]
    public void OtherLinesAreRefusedByTheirNumber(string line, string why)
    {
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Read("""{"prompt":"Hi","chosen":"a","rejected":"b"}""", "", line));
        StringAssert.Contains(e.Message, "line 3");
        StringAssert.Contains(e.Message, why);
    }

    [TestMethod]
    public void AnEmptyFileIsRefused() =>
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read("")).Message, "has no pair of answers");

    private PreferenceRow[] Read(params string[] lines)
    {
        // Messages are written as role(content) in the cases.
        File.WriteAllLines(_scratch.File("pairs.jsonl"), lines.Select(
            line => Message().Replace(line, """{"role":"$1","content":"$2"}""")));
        IDataView data = Ml.Reversible().LoadPreferences(_scratch.File("pairs.jsonl"));
        return [.. Ml.Data.CreateEnumerable<PreferenceRow>(data, reuseRowObject: false)];
    }

    [GeneratedRegex(@"(user|assistant|robot)\((\w*)\)")]
    private static partial Regex Message();
}
