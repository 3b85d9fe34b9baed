using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Benchmarks;

/// <summary>Tests the forms in which the benchmarks are published; not all of them have a file here.</summary>
[TestClass]
public sealed class PublishedFormsTests
{
    [TestMethod]
    public void The_columns_are_those_of_the_task_and_no_others()
    {
        using var folder = new TaskFolder();
        IDataView data = TaskFolder.Load("piqa", folder.Write("a.jsonl", """{"goal":"g","sol1":"a","sol2":"b","label":1}"""));
        CollectionAssert.AreEqual(
            new (string, DataViewType)[]
            {
                ("goal", TextDataViewType.Instance), ("sol1", TextDataViewType.Instance), ("sol2", TextDataViewType.Instance),
                ("label", NumberDataViewType.Int32),
            },
            data.Schema.Select(column => (column.Name, column.Type)).ToArray());
        Assert.AreEqual(1, data.GetColumn<int>("label").Single());
    }

    [TestMethod]
    [DataRow("""
        {"question":{"stem":"Why?","choices":[{"text":"a","label":"A"},{"text":"é","label":"B"},{"text":"c","label":"C"}]},"answerKey":"B"}
        """)]
    [DataRow("""{"id":"MCAS_1","question":"Why?","choices":{"text":["a","é","c"],"label":["A","B","C"]},"answerKey":"B"}""")]
    [DataRow("""{"id":"NYS_1","question":"Why?","choices":{"text":["a","\u00e9","c"],"label":["1","2","3"]},"answerKey":"2"}""")]
    [DataRow("""{"query":"Question: Why?","choices":["a","é","c"],"gold":1}""")]
    public void Arc_in_each_form(string row)
    {
        using var folder = new TaskFolder();
        ZeroShotItem expected = ZeroShotItem.MultipleChoice("Question: Why?\nAnswer:", ["a", "é", "c"], 1);
        CollectionAssert.AreEqual(new[] { expected }, TaskFolder.Items("arc_challenge", folder.Write("a.jsonl", row)));
    }

    [TestMethod]
    public void Arc_with_five_choices_and_with_other_fields_in_one_file()
    {
        using var folder = new TaskFolder();
        string path = folder.Write("a.jsonl", """
            {"question":"Five?","choices":{"text":["a","b","c","d","e"],"label":["A","B","C","D","E"]},"answerKey":"E"}

            {"query":"Question: Three?","choices":["x","y","z"],"gold":"2","extra":[1,{"deep":null}]}
            """);
        CollectionAssert.AreEqual(
            new[]
            {
                ZeroShotItem.MultipleChoice("Question: Five?\nAnswer:", ["a", "b", "c", "d", "e"], 4),
                ZeroShotItem.MultipleChoice("Question: Three?\nAnswer:", ["x", "y", "z"], 2),
            },
            TaskFolder.Items("arc_easy", path));
    }

    [TestMethod]
    [DataRow("""{"id":"7","question":{"stem":"The sun","choices":[{"text":"a","label":"A"},{"text":"b","label":"B"}]},"answerKey":" B"}""")]
    [DataRow("""{"id":"7","question_stem":"The sun","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":" B"}""")]
    [DataRow("""{"query":"The sun","choices":["a","b"],"gold":1}""")]
    public void OpenBookQa_in_lines_of_json(string row)
    {
        using var folder = new TaskFolder();
        Assert.AreEqual(
            ZeroShotItem.MultipleChoice("The sun", ["a", "b"], 1), TaskFolder.Items("openbookqa", folder.Write("a.jsonl", row)).Single());
    }

    [TestMethod]
    public void OpenBookQa_between_tabs_keeps_quotes_and_takes_columns_by_their_names()
    {
        using var folder = new TaskFolder();
        string path = folder.Write(
            "a.tsv", "\ufeffanswer key\tquestion stem\tchoices\r\nC\tA \"quoted\" stem\t(A) \"one (B) two, (x) (C)  (D) 4\r\n");
        Assert.AreEqual(
            ZeroShotItem.MultipleChoice("A \"quoted\" stem", ["\"one", "two, (x)", "", "4"], 2),
            TaskFolder.Items("openbookqa", path).Single());
    }

    [TestMethod]
    [DataRow("""{"qID":"3-1","sentence":"So _ won.","option1":"he","option2":"she","answer":"2"}""", null)]
    [DataRow("""{"qID":"3-1","sentence":"So _ won.","option1":"he","option2":"she","answer":""}""", "2\n")]
    [DataRow("""{"qID":"3-1","sentence":"So _ won.","option1":"he","option2":"she"}""", "2")]
    [DataRow("""{"context_options":["So he","So she"],"continuation":"won.","gold":1}""", null)]
    public void Winogrande_in_each_form(string row, string? labels)
    {
        using var folder = new TaskFolder();
        string path = folder.Write("dev.jsonl", row + "\n");
        if (labels is not null) folder.Write("dev-labels.lst", labels);
        Assert.AreEqual(
            ZeroShotItem.MultipleInput(["So he", "So she"], "won.", 1), TaskFolder.Items("winogrande", path).Single());
    }

    [TestMethod]
    public void Winogrande_keeps_a_blank_that_stands_in_a_context()
    {
        using var folder = new TaskFolder();
        string path = folder.Write("a.jsonl", """{"context_options":["a_b x","a_b y"],"continuation":"ends _ here","gold":0}""");
        Assert.AreEqual(
            ZeroShotItem.MultipleInput(["a_b x", "a_b y"], "ends _ here", 0), TaskFolder.Items("winogrande", path).Single());
    }

    [TestMethod]
    [DataRow("\"1\"")]
    [DataRow("1")]
    public void HellaSwag_with_labels_as_numbers_and_as_texts(string label)
    {
        using var folder = new TaskFolder();
        string row = """{"activity_label":"Shaving","ctx_a":"[header] A man.","ctx_b":"he THEN","endings":["cuts.","sings [step] on."],""";
        string path = folder.Write("a.jsonl", $"{row}\"label\":{label}}}");
        Assert.AreEqual(
            ZeroShotItem.MultipleChoice("Shaving: A man. He then", ["cuts.", "sings on."], 1),
            TaskFolder.Items("hellaswag", path).Single());
    }

    [TestMethod]
    public void Lambada_in_both_forms()
    {
        using var folder = new TaskFolder();
        string path = folder.Write("a.jsonl", """
            {"text":"one two\nthree four"}
            {"context":"one two\nthree","continuation":"four"}
            """);
        ZeroShotItem item = ZeroShotItem.LastWord("one two\nthree", "four");
        CollectionAssert.AreEqual(new[] { item, item }, TaskFolder.Items("lambada_openai", path));
    }

    [TestMethod]
    [DataRow("q,1,2,3,4,A\r\n", "q", "1|2|3|4", 0)]
    [DataRow("\"a, \"\"b\"\"\",\"0,1\",\"\",3, 4,C", "a, \"b\"", "0,1||3| 4", 2)]
    [DataRow("\"line one\n\n  line \"\"two\"\"\r\nthree\",1,2,3,\"4\n\", D \n\n", "line one\n\n  line \"two\"\nthree", "1|2|3|4\n", 3)]
    [DataRow("5\" pipe,\"a\"b,c\"d\",\"\"\"\",4,B", "5\" pipe", "ab|c\"d\"|\"|4", 1)]
    public void Mmlu_with_quotes(string text, string question, string choices, int answer)
    {
        using var folder = new TaskFolder();
        IDataView data = TaskFolder.Load("mmlu_virology", folder.Write("a.csv", text));
        Assert.AreEqual(question, data.GetColumn<string>("question").Single());
        Assert.AreEqual(choices, string.Join('|', data.GetColumn<string[]>("choices").Single()));
        Assert.AreEqual(answer, data.GetColumn<int>("answer").Single());
    }

    [TestMethod]
    [DataRow("question,A,B,C,D,answer\r\nq,1,2,3,4,C\r\n  \r\n")]
    [DataRow("\ufeffprompt,a,b,c,d,target\nq,1,2,3,4,2")]
    [DataRow(",Answer,Question,A,B,C,D\n0,C,q,1,2,3,4\n")]
    [DataRow("\n \nq,1,2,3,4,C\n  \n\t\n")]
    [DataRow("""{"question":"q","subject":"virology","choices":["1","2","3","4"],"answer":2}""")]
    [DataRow("""{"question":"q","subject":"","choices":["1","2","3","4"],"answer":"2"}""" + "\r\n  \r\n")]
    [DataRow("\ufeff\n" + """{"answer":"C","choices":["1","2","3","4"],"question":"q","more":null}""")]
    [DataRow("""{"question":"q","subject":"virology","choices":["1","2","3","4"],"answer":2.0}""")]
    [DataRow("""{"question":"o","subject":"anatomy","choices":["1","2","3","4"],"answer":0}""" + "\n" +
        """{"question":"q","subject":"virology","choices":["1","2","3","4"],"answer":2}""")]
    public void Mmlu_in_each_form(string text)
    {
        using var folder = new TaskFolder();
        IDataView data = TaskFolder.Load("mmlu_virology_continuation", folder.Write("a", text));
        Assert.AreEqual("q", data.GetColumn<string>("question").Single());
        Assert.AreEqual("1|2|3|4", string.Join('|', data.GetColumn<string[]>("choices").Single()));
        Assert.AreEqual(2, data.GetColumn<int>("answer").Single());
    }

    /// <summary>Case 12 of the shared cases.</summary>
    [TestMethod]
    [DataRow("hf.jsonl", "1")]
    [DataRow("header.csv", "1 3")]
    [DataRow("blank-line.csv", "1 3")]
    public void The_shared_forms_of_Mmlu_are_read(string file, string answers) => Assert.AreEqual(
        answers,
        string.Join(' ', TaskFolder.Load("mmlu_anatomy", TestData.Require("../cases/12-mmlu-forms/" + file)).GetColumn<int>("answer")));

    [TestMethod]
    [DataRow("piqa", """{"goal":"g","sol1":"a","sol2":"b","label":1.0}""", 1)]
    [DataRow("arc_easy", """{"question":"q","choices":{"text":["a","b"],"label":["1","2"]},"answerKey":2}""", 1)]
    [DataRow("winogrande", """{"sentence":"So _ won.","option1":"he","option2":"she","answer":2}""", 1)]
    [DataRow("openbookqa", """{"question_stem":"s","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}""", 1)]
    [DataRow("hellaswag", """{"activity_label":"l","ctx_a":"a","ctx_b":"b","endings":["c","d"],"label":"1"}""", 1)]
    public void Labels_are_texts_or_numbers_after_a_mark_and_before_blank_lines(string task, string row, int gold)
    {
        using var folder = new TaskFolder();
        Assert.AreEqual(gold, TaskFolder.Items(task, folder.Write("x", "\ufeff" + row + "\r\n\r\n \t\r\n")).Single().Gold);
    }

    [TestMethod]
    public void Wikitext_in_json_lines_is_that_in_plain_text()
    {
        using var folder = new TaskFolder();
        string[] lines = ["", " = One = ", "", " \"text\" ", " = Two = ", " end"];
        string plain = folder.Write("a.txt", string.Join('\n', lines));
        string rows = folder.Write("b.jsonl", string.Concat(lines.Select(line =>
            System.Text.Json.JsonSerializer.Serialize(new { text = line.Length == 0 ? "" : line + "\n" }) + "\n")));
        string[] pages = [.. TaskFolder.Load("wikitext", plain).GetColumn<string>("page")];
        string whole = folder.Write(
            "c.jsonl", string.Join('\n', pages.Select(page => System.Text.Json.JsonSerializer.Serialize(new { page }))));

        CollectionAssert.AreEqual(pages, TaskFolder.Load("wikitext", rows).GetColumn<string>("page").ToArray());
        CollectionAssert.AreEqual(pages, TaskFolder.Load("wikitext", whole).GetColumn<string>("page").ToArray());
    }

    [TestMethod]
    public void A_folder_of_Mmlu_gives_the_part_that_is_scored_first()
    {
        using var folder = new TaskFolder();
        folder.Write("dev/virology_dev.csv", "dev,1,2,3,4,A");
        Assert.AreEqual("dev", Question(folder.FullName));
        folder.Write("test/virology_test.csv", "test,1,2,3,4,A");
        Assert.AreEqual("test", Question(folder.FullName));
        Assert.AreEqual("dev", Question(Path.Combine(folder.FullName, "dev")));
        var thrown = Assert.ThrowsExactly<FileNotFoundException>(() => TaskFolder.Load("mmlu_anatomy", folder.FullName));
        StringAssert.Contains(thrown.Message, "has no file of subject 'anatomy'");

        static string Question(string path) => TaskFolder.Load("mmlu_virology_continuation", path).GetColumn<string>("question").Single();
    }

    [TestMethod]
    public void Wikitext_is_cut_at_headings_of_the_first_level()
    {
        using var folder = new TaskFolder();
        string path = folder.Write("a.txt", " \n = One = \n \n text\n = = Part = = \n = = = Deep = = = \n\n = Two = \nend");
        CollectionAssert.AreEqual(
            new[] { " = One = \n \n text\n = = Part = = \n = = = Deep = = = \n", " = Two = \nend" },
            TaskFolder.Load("wikitext", path).GetColumn<string>("page").ToArray());
    }
}
