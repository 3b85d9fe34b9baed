using System.Text.Json.Nodes;
using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class ChatFormatDetectTests
{
    private const string Loop =
        "{%- for turn in messages -%}{{- '<|im_start|>' + turn.role + '\\n' + turn.content + '<|im_end|>\\n' -}}{%- endfor -%}" +
        "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

    private const string FirstIsOther = "{%- if messages[0].role != 'system' -%}";

    private readonly ScratchFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void TheFormatOfATemplateIsFound()
    {
        foreach (ChatTemplates template in ChatTemplates.All)
            Assert.AreSame(template.Format, ChatTemplateMarks.FormatOf(template.Template), template.Format.Name);
    }

    [TestMethod]
    public void ADefaultSystemTextOfChatMlIsRead()
    {
        const string Text = "You are a helpful assistant, made here.";
        ChatFormat direct = ChatTemplateMarks.FormatOf(
            $"{FirstIsOther}{{{{- '<|im_start|>system\\n{Text}<|im_end|>\\n' -}}}}{{%- endif -%}}{Loop}");
        Assert.AreEqual((ChatFormat.ChatMl.Name, Text), (direct.Name, direct.DefaultSystem));

        // A branch for tools writes the conversation's own system turn beside the default one.
        ChatFormat tools = ChatTemplateMarks.FormatOf(
            "{%- if tools -%}{{- '<|im_start|>system\\n' -}}{{- messages[0].content -}}{{- '# Tools' + '<|im_end|>\\n' -}}{%- endif -%}" +
            $"{{%- if messages[0].role == 'system' -%}}{{{{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' -}}}}" +
            $"{{%- else -%}}{{{{- '<|im_start|>system\\n{Text}<|im_end|>\\n' -}}}}{{%- endif -%}}{Loop}");
        Assert.AreEqual(Text, tools.DefaultSystem);
        Assert.IsNull(ChatTemplateMarks.FormatOf(Loop).DefaultSystem);
    }

    [TestMethod]
    public void ADefaultSystemTextThatCannotBeReadIsRefused()
    {
        string[] literals =
        [
            "'<|im_start|>system\\nYou\\'re helpful.<|im_end|>\\n'", "'<|im_start|>system\\nOne\\nTwo<|im_end|>\\n'",
            "'<|im_start|>system\\nOne<|im_end|>\\n' + '<|im_start|>system\\nTwo<|im_end|>\\n'",
        ];
        foreach (string literal in literals)
        {
            var e = Assert.ThrowsExactly<NotSupportedException>(
                () => ChatTemplateMarks.FormatOf($"{FirstIsOther}{{{{- {literal} -}}}}{{%- endif -%}}{Loop}"), literal);
            StringAssert.Contains(e.Message, "WithDefaultSystem");
        }
    }

    [TestMethod]
    [DataRow("chatml", "turn['content']", "turn['content'] | trim", "removes white space")]
    [DataRow("chatml", "{%- for", "{{- bos_token -}}{%- for", "bos_token")]
    [DataRow("chatml", "'<|im_end|>' + '\\n'", "'<|im_end|>'", "no line break")]
    [DataRow("chatml", "turn['content']", "'<think>' + turn['content']", "reasoning")]
    [DataRow("chatml", "{%- for", "{%- set system_message = 'Be good.' -%}{%- for", "default system text")]
    [DataRow("llama3", "{%- for", "{{- 'Today Date: ' + date_string -}}{%- for", "dates")]
    [DataRow("llama3", " | trim", "", "keeps white space")]
    [DataRow("gemma", "in messages", "in messages[1:]", "Gemma 3")]
    [DataRow("mistral", "'[INST] '", "' [INST] '", "another version")]
    [DataRow("mistral", "loop.last", "loop.first", "another turn")]
    [DataRow("llama2", "bos_token", "''", "bos_token")]
    [DataRow("phi3", "{%- for", "{{- bos_token -}}{%- for", "bos_token")]
    [DataRow("zephyr", "<|user|>\\n", "<|user|>", "no line break")]
    public void ATemplateThatWritesSomethingElseIsRefusedWithTheReason(string name, string from, string to, string reason)
    {
        string template = ChatTemplates.All.Single(one => one.Format.Name == name).Template, changed = template.Replace(from, to);
        Assert.AreNotEqual(template, changed);
        var e = Assert.ThrowsExactly<NotSupportedException>(() => ChatTemplateMarks.FormatOf(changed));
        StringAssert.Contains(e.Message, reason);
        StringAssert.Contains(e.Message, ChatTemplateMarks.WhatToDo);
    }

    [TestMethod]
    public void ATemplateIsReadInTimeProportionalToItsLength()
    {
        // Each costs a search with backtracking the square of its length.
        string names = "{# set " + string.Concat(Enumerable.Repeat("system", 100_000)) + " #}";
        Assert.AreSame(ChatFormat.ChatMl, ChatTemplateMarks.FormatOf(names + Loop));
        string turns = string.Concat(Enumerable.Repeat("<|im_start|>system\\n", 40_000));
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => ChatTemplateMarks.FormatOf(Loop + turns)).Message, "WithDefaultSystem");
    }

    [TestMethod]
    public void ATemplateThatIsTooLongIsRefused()
    {
        Assert.AreSame(ChatFormat.ChatMl, ChatTemplateMarks.FormatOf(Loop.PadRight(1 << 20)));
        var e = Assert.ThrowsExactly<NotSupportedException>(() => ChatTemplateMarks.FormatOf(Loop.PadRight((1 << 20) + 1)));
        StringAssert.Contains(e.Message, "has 1048577 characters, more than the 1048576 that are read");
        StringAssert.Contains(e.Message, ChatTemplateMarks.WhatToDo);
    }

    [TestMethod]
    public void AnUnknownTemplateIsRefusedWithWhatToDo()
    {
        var e = Assert.ThrowsExactly<NotSupportedException>(() => ChatTemplateMarks.FormatOf("### Human: {{ messages[0].content }}"));
        StringAssert.Contains(e.Message, "none of the known formats (chatml, gemma,");
        StringAssert.Contains(e.Message, ChatTemplateMarks.WhatToDo);
    }

    [TestMethod]
    [DataRow("reference-models/tokenizers/qwen2-form", "chatml")]
    [DataRow("reference-models/tokenizers/llama3-form", "llama3")]
    public void TokensTellTheFormatWithoutATemplate(string path, string name) =>
        Assert.AreEqual(name, ChatFormat.Detect(TestData.Require(path)).Name);

    [TestMethod]
    public void AddedTokensTellTheFormatWithoutATemplate()
    {
        foreach (ChatFormat format in ChatFormat.All.Where(format => format.Tokens.Count > 0))
        {
            using var folder = new ChatTokenizerFolder(format);
            Assert.AreSame(format, ChatFormat.Detect(folder.Path));
        }
        using var zephyr = new ChatTokenizerFolder(ChatFormat.Custom("marks", (_, _) => [], ["<|user|>", "<|assistant|>"]));
        Assert.AreEqual("zephyr", Found(zephyr.Path));
        string[] both = [.. ChatFormat.ChatMl.Tokens, .. ChatFormat.Gemma.Tokens];
        using var two = new ChatTokenizerFolder(ChatFormat.Custom("two", (_, _) => [], both));
        var e = Assert.ThrowsExactly<NotSupportedException>(() => ChatFormat.Detect(two.Path));
        StringAssert.Contains(e.Message, "chatml and gemma");
    }

    [TestMethod]
    public void WithoutTemplateAndTokensThereIsNoFormat()
    {
        var e = Assert.ThrowsExactly<NotSupportedException>(() => ChatFormat.Detect(TestData.Require("gpt2-tokenizer/gpt2.tiktoken")));
        StringAssert.Contains(e.Message, "no chat template and no tokens");
    }

    [TestMethod]
    public void ATemplateOfOtherTokensThanTheTokenizersIsRefused()
    {
        using var folder = new ChatTokenizerFolder(ChatFormat.Gemma);
        File.WriteAllText(Path.Combine(folder.Path, "chat_template.jinja"), Loop);
        var e = Assert.ThrowsExactly<NotSupportedException>(() => ChatFormat.Detect(folder.Path));
        StringAssert.Contains(e.Message, "its token '<|im_start|>'");
    }

    [TestMethod]
    public void TheFileWithTheTemplateComesBeforeTheConfiguration()
    {
        string zephyr = Template("zephyr"), llama = Template("llama2");
        SetTemplate(zephyr);
        Assert.AreEqual("zephyr", Found(_folder.FullName));
        SetTemplate(new JsonArray(Named("tool_use", "x"), Named("default", llama)));
        Assert.AreEqual("llama2", Found(_folder.FullName));
        File.WriteAllText(_folder.File("chat_template.jinja"), zephyr);
        Assert.AreEqual("zephyr", Found(_folder.FullName));
    }

    [TestMethod]
    public void TemplatesAreSavedWithTheTokenizer()
    {
        string zephyr = Template("zephyr");
        SetTemplate(zephyr);
        string saved = _folder.File("saved");
        Directory.CreateDirectory(saved);
        LanguageModelTokenizer.Load(_folder.FullName).Save(saved);
        Assert.AreEqual(zephyr, LanguageModelTokenizer.Load(saved).ChatTemplate);
        Assert.IsFalse(File.Exists(Path.Combine(saved, "chat_template.jinja")));

        LanguageModelTokenizer learned = LanguageModelTokenizer.Learn(["a"], TextTokenization.Byte, 0);
        Assert.IsNull(learned.ChatTemplate);
        string own = _folder.File("own");
        Directory.CreateDirectory(own);
        LanguageModelTokenizer with = learned.WithChatTemplate(zephyr);
        with.Save(own);
        LanguageModelTokenizer loaded = LanguageModelTokenizer.Load(own);
        Assert.AreEqual((zephyr, learned.Hash), (loaded.ChatTemplate, loaded.Hash));
        Assert.AreEqual(zephyr, with.Within(100_000).ChatTemplate);
    }

    [TestMethod]
    public void MalformedTemplatesAreNamed()
    {
        SetTemplate(5);
        AssertMalformed("chat_template");
        SetTemplate(null);
        File.WriteAllBytes(_folder.File("chat_template.jinja"), [0xFF, 0xFE, 0x41]);
        AssertMalformed("chat_template.jinja");

        void AssertMalformed(string named) => StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => ChatFormat.Detect(_folder.FullName)).Message, named);
    }

    private static string Template(string name) => ChatTemplates.All.Single(one => one.Format.Name == name).Template;

    private static JsonObject Named(string name, string template) => new() { ["name"] = name, ["template"] = template };

    private static string Found(string folder) => ChatFormat.Detect(folder).Name;

    private void SetTemplate(JsonNode? template)
    {
        File.Copy(TestData.Require("stories260k/tok512.model"), _folder.File("tokenizer.model"), overwrite: true);
        File.WriteAllText(_folder.File("tokenizer_config.json"), new JsonObject { ["chat_template"] = template }.ToJsonString());
    }
}
