using System.Text;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Benchmarks;

[TestClass]
public sealed class BrokenFilesTests
{
    private const string PiqaRow = """{"goal":"g","sol1":"a","sol2":"b","label":1}""";
    private const string ArcRow = """{"question":"q","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}""";

    [TestMethod]
    [DataRow("piqa", PiqaRow, """{"goal":"g","sol1":"a","label":1}""", "there is no 'sol2'.")]
    [DataRow("piqa", PiqaRow, """{"goal":"g","sol1":"a","sol2":["b"],"label":1}""", "'sol2' is not a text.")]
    [DataRow("piqa", PiqaRow, """{"goal":"g","sol1":"a","sol2":"b","label":2}""", "'label' is 2, but must be the index of one of 2")]
    [DataRow("piqa", PiqaRow, """{"goal":"g","sol1":"a","sol2":"b","label":-1}""", "'label' is -1, but")]
    [DataRow("piqa", PiqaRow, """{"goal":"g","sol1":"a","sol2":"b","label":1e99}""", "'label' is 1e99, but")]
    [DataRow("piqa", PiqaRow, """{"goal":"g\ud800","sol1":"a","sol2":"b","label":1}""", "'goal' has an unpaired surrogate.")]
    [DataRow("piqa", PiqaRow, """{"goal":"g","so\ud800l1":"a"}""", "the name of a field has an unpaired surrogate.")]
    [DataRow("piqa", PiqaRow, """{"query":"Question: g","choices":["a","b"],"gold":0}""", "end with a line break, but is 'Question: g'.")]
    [DataRow("piqa", PiqaRow, """{"query":"Question: g\n","choices":["a","b","c"],"gold":0}""", "there are 3 choices, but must be 2.")]
    [DataRow("piqa", PiqaRow, """{"goal":"g","sol1":"a",""", "is not a JSON object.")]
    [DataRow("piqa", PiqaRow, """[1]""", "is not a JSON object.")]
    [DataRow("piqa", PiqaRow, "g\ta\tb\t1", "is not a JSON object.")]
    [DataRow("arc_easy", ArcRow, """{"question":"q","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"C"}""", "'C' is none of")]
    [DataRow("arc_easy", ArcRow, """{"question":"q","choices":{"text":["a","b"],"label":["A"]},"answerKey":"A"}""", "2 choices, but 1")]
    [DataRow("arc_easy", ArcRow, """{"question":"q","choices":["a","b"],"answerKey":"A"}""", "'choices' is not an object.")]
    [DataRow("arc_easy", ArcRow, """{"question":{"stem":"q","choices":["a"]},"answerKey":"A"}""", "'choices' is not an array of objects.")]
    [DataRow("arc_easy", ArcRow, """{"query":"What?","choices":["a","b"],"gold":0}""", "the query must begin with 'Question: '")]
    [DataRow("arc_easy", ArcRow, """{"query":"Question: q","choices":["a","b"],"gold":2}""", "one of 2 choices, counted from 0.")]
    [DataRow("arc_easy", ArcRow, """{"query":"Question: q","choices":[],"gold":0}""", "one of 0 choices")]
    [DataRow("arc_easy", ArcRow, """{"query":"Question: q","choices":["a",1],"gold":0}""", "'choices' is not an array of texts.")]
    [DataRow("winogrande", """{"sentence":"_ w","option1":"a","option2":"b","answer":"1"}""",
        """{"sentence":"w","option1":"a","option2":"b","answer":"1"}""", "the sentence has no blank")]
    [DataRow("winogrande", """{"sentence":"_ w","option1":"a","option2":"b","answer":"1"}""",
        """{"sentence":"_ w","option1":"a","option2":"b","answer":"3"}""", "the answer is '3', but must be 1 or 2.")]
    [DataRow("winogrande", """{"sentence":"_ w","option1":"a","option2":"b","answer":"1"}""",
        """{"context_options":["a"],"continuation":"c","gold":0}""", "there are 1 context_options, but must be 2.")]
    [DataRow("hellaswag", """{"activity_label":"l","ctx_a":"a","ctx_b":"b","endings":["c","d"],"label":1}""",
        """{"activity_label":"l","ctx_a":"a","ctx_b":"b","endings":["c","d"],"label":""}""", "'label' is , but must be")]
    [DataRow("lambada_openai", """{"text":"a b"}""", """{"context":"a","continuation":"b c"}""", "'b c' is more than one word.")]
    [DataRow("lambada_openai", """{"text":"a b"}""", """{"txt":"a b"}""", "there is no 'text'.")]
    [DataRow("lambada_openai", """{"text":"a b"}""", """{"text":"a b "}""", "does not end with a word")]
    [DataRow("lambada_openai", """{"text":"a b"}""", """{"context":"a","continuation":""}""", "does not end with a word")]
    [DataRow("winogrande", """{"sentence":"_ w","option1":"a","option2":"b","answer":"1"}""",
        """{"sentence":"w _ ","option1":"a","option2":"b","answer":"1"}""", "there is no text after the blank")]
    [DataRow("winogrande", """{"sentence":"_ w","option1":"a","option2":"b","answer":"1"}""",
        """{"context_options":["a","b"],"continuation":" ","gold":0}""", "there is no text after the blank")]
    [DataRow("mmlu_anatomy", """{"question":"q","choices":["1","2","3","4"],"answer":0}""",
        """{"question":"q","choices":["1","2","3"],"answer":0}""", "there are 3 choices, but must be 4.")]
    [DataRow("mmlu_anatomy", """{"question":"q","choices":["1","2","3","4"],"answer":0}""",
        """{"question":"q","choices":["1","2","3","4"],"answer":4}""", "the answer is '4', but must be 0 to 3")]
    [DataRow("mmlu_anatomy", "question,A,B,C,D,answer", "q,1,2,3,4", "has 5 fields, fewer than the header.")]
    [DataRow("mmlu_anatomy", "q,1,2,3,4,A", "q,1,2,3,4,0", "the answer is '0', but must be one of A, B, C, D.")]
    [DataRow("mmlu_anatomy", "q,1,2,3,4,A", "question,A,B,C,D,answer", "the answer is 'answer'")]
    [DataRow("openbookqa", "Question Stem\tChoices\tAnswer Key", "q\t(A) a (B) b (C) c\tA", "the choices have no (D)")]
    [DataRow("openbookqa", "Question Stem\tChoices\tAnswer Key", "q\t(A) a (B) b (C) c (D) d\tE", "the answer key 'E'")]
    [DataRow("openbookqa", "Question Stem\tChoices\tAnswer Key", "q\t(A) a (B) b (C) c (D) d", "has 2 fields between tabs")]
    [DataRow("mmlu_anatomy", "q,1,2,3,4,A", "q,1,2,3,A", "has 5 fields, but must have")]
    [DataRow("mmlu_anatomy", "q,1,2,3,4,A", "q,1,2,3,4,E", "the answer is 'E', but must be one of A, B, C, D.")]
    [DataRow("mmlu_anatomy", "q,1,2,3,4,A", "\"q,1,2,3,4,A\nand on", "an opening quote is not closed.")]
    public void A_broken_row_is_refused_with_file_and_line(string task, string good, string bad, string words)
    {
        using var folder = new TaskFolder();
        string path = folder.Write("x", $"{good}\n\n{bad}\n");
        var thrown = Assert.ThrowsExactly<InvalidDataException>(() => TaskFolder.Load(task, path));
        StringAssert.StartsWith(thrown.Message, $"{path}, line 3: ");
        StringAssert.Contains(thrown.Message, words);
    }

    [TestMethod]
    public void OpenBookQa_without_a_header_is_refused()
    {
        using var folder = new TaskFolder();
        var thrown = Assert.ThrowsExactly<InvalidDataException>(
            () => TaskFolder.Load("openbookqa", folder.Write("x", "q\t(A) a (B) b (C) c (D) d\tA")));
        StringAssert.Contains(thrown.Message, "line 1: is neither a JSON object nor a header");
    }

    [TestMethod]
    public void Labels_that_do_not_fit_the_rows_are_refused()
    {
        using var folder = new TaskFolder();
        string rows = folder.Write("v.jsonl", string.Concat(Enumerable.Repeat("""{"goal":"g","sol1":"a","sol2":"b"}""" + "\n", 2)));
        string labelled = folder.Write("l.jsonl", PiqaRow);
        Refused<FileNotFoundException>(rows, null, "v-labels.lst' with them. Give its path.");
        Refused<FileNotFoundException>(rows, Path.Combine(folder.FullName, "none"), "none' with them. Give its path.");
        Refused<InvalidDataException>(rows, folder.Write("1", "1\n"), "has fewer labels than");
        Refused<InvalidDataException>(rows, folder.Write("3", "1\n0\n0\n"), "line 3: there are more labels than");
        Refused<InvalidDataException>(rows, folder.Write("2", "1\n2\n"), "line 2: the label is '2', but must be one of 0 to 1.");
        Refused<InvalidDataException>(labelled, folder.Write("0", "1\n"), "have their labels");
        Assert.HasCount(2, TaskFolder.Items("piqa", rows, folder.Write("good", "1\n 0 \n\n")));
        Assert.ThrowsExactly<ArgumentException>(() => TaskFolder.Load("arc_easy", labelled, labelled));

        static void Refused<TException>(string path, string? labels, string words)
            where TException : Exception =>
            StringAssert.Contains(Assert.ThrowsExactly<TException>(() => TaskFolder.Load("piqa", path, labels)).Message, words);
    }

    [TestMethod]
    [DataRow("piqa")]
    [DataRow("openbookqa")]
    [DataRow("mmlu_anatomy")]
    [DataRow("wikitext")]
    public void Missing_and_empty_files_are_refused(string task)
    {
        using var folder = new TaskFolder();
        string missing = Path.Combine(folder.FullName, "none");
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => TaskFolder.Load(task, missing)).Message, missing);
        foreach (string text in new[] { "", "\ufeff", "\n", "\r\n\r\n" })
        {
            string path = folder.Write("x", text);
            var thrown = Assert.ThrowsExactly<InvalidDataException>(() => TaskFolder.Load(task, path));
            Assert.AreEqual($"{path} has no row of task '{task}'.", thrown.Message);
        }
    }

    [TestMethod]
    [DataRow("piqa")]
    [DataRow("openbookqa")]
    [DataRow("mmlu_anatomy")]
    [DataRow("wikitext")]
    public void Files_that_are_not_text_or_far_too_long_are_refused(string task)
    {
        using var folder = new TaskFolder();
        Refused([0xFF, 0xFE, .. Encoding.Unicode.GetBytes("text")], "line 1: has a NUL");
        Refused([0x61, 0xC3, 0x28], "line 1: is not UTF-8 text.");
        Refused([.. "PAR1"u8, 0x15, 0x00], "x: it is a Parquet file.");
        Refused([.. "version https://git-lfs.github.com/spec/v1\n"u8], "x: it is a Git LFS pointer");
        Refused(Enumerable.Repeat((byte)'"', (1 << 20) + 1).ToArray(), "line 1: is longer than 1 MiB.");

        string huge = Path.Combine(folder.FullName, "huge");
        using (FileStream file = File.Create(huge)) file.SetLength((256L << 20) + 1);
        var thrown = Assert.ThrowsExactly<InvalidDataException>(() => TaskFolder.Load(task, huge));
        StringAssert.Contains(thrown.Message, "is larger than 256 MiB");

        void Refused(byte[] bytes, string words)
        {
            string path = folder.Write("x", bytes);
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => TaskFolder.Load(task, path)).Message, words);
        }
    }

    [TestMethod]
    public void Deep_nesting_and_a_quote_that_never_ends_are_refused()
    {
        using var folder = new TaskFolder();
        string deep = folder.Write("deep", """{"goal":""" + new string('[', 500_000));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => TaskFolder.Load("piqa", deep)).Message, "line 1: is not");
        string open = folder.Write("open", "q,1,2,3,4,A\n\"" + string.Concat(Enumerable.Repeat("0123456789\n", 110_000)));
        var thrown = Assert.ThrowsExactly<InvalidDataException>(() => TaskFolder.Load("mmlu_anatomy", open));
        StringAssert.Contains(thrown.Message, "line 2: a quoted field is too long, or its quote is not closed.");
    }

    [TestMethod]
    public void A_long_page_of_marks_that_never_close_is_read_in_no_time()
    {
        using var folder = new TaskFolder();
        string line = string.Concat(Enumerable.Repeat("( [ { \" ", 60_000)) + "'";
        string page = folder.Write("x", string.Join('\n', Enumerable.Repeat(line, 4)));
        Assert.HasCount(1, TaskFolder.Items("wikitext", page));
        string row = $$"""{"activity_label":"a","ctx_a":"b","ctx_b":"c","endings":["{{new string('[', 900_000)}}"],"label":0}""";
        Assert.HasCount(1, TaskFolder.Items("hellaswag", folder.Write("y", row)));
    }

    [TestMethod]
    public void A_task_of_ones_own_has_no_files()
    {
        var task = new ZeroShotTask("own", ZeroShotKind.LastWord, [ZeroShotColumn.Text("x")], _ => ZeroShotItem.LastWord("", ""));
        var thrown = Assert.ThrowsExactly<ArgumentException>(() => new MLContext().Reversible().LoadZeroShot(task, "x"));
        StringAssert.Contains(thrown.Message, "'own' is a custom task");
    }
}
