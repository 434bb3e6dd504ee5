import java.io.InputStream;
import org.edgebert.Classification;
import org.edgebert.EdgeBert;
import org.edgebert.Model;

/**
 * Answers texts with the classes and the bundle of an APK: a line for each, with label and score.
 *
 * <p>To be run on a class path of the APK, for what lies in it, and its dex turned back into a jar.
 */
public final class DexAnswers {
    private DexAnswers() {}

    public static void main(String[] texts) throws Exception {
        try (InputStream bundle = DexAnswers.class.getResourceAsStream("/assets/model.edgebert");
                Model model = EdgeBert.load(bundle)) {
            for (String text : texts) {
                Classification answer = (Classification) model.predict(text);
                System.out.println(answer.getLabel() + "\t" + answer.getScore());
            }
        }
    }
}
