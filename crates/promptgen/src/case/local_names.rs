//! What messages call a condition beside the names of the catalog: at home, in short, and in other languages.

use std::collections::BTreeSet;

use clinstruct_catalog::Catalog;
use clinstruct_schema::{CaseCondition, Language};

use super::beside::is_beside;

/// What names are looked up in: those of the catalog in the language of a message, and those of all languages here.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) language: Language,
}

/// Beginnings of ICD-10 codes, and names of what has them, parted by bars, in lower case.
const NAMES: &[(&[&str], &str)] = &[
    (
        &["H91", "H90", "H83"],
        "hoh|hard of hearing|deaf|deafness|going deaf|hearing loss|hearing impairment|hearing impaired|schwerhörig|schwerhörigkeit|altersschwerhörigkeit|presbyakusis|hypoacousie|surdité|sourd|sourde|malentendant|malentendante|presbyacousie|sordera|sordo|sorda|hipoacusia|presbiacusia|sordità|ipoacusia|surdez|surdo|surda|presbiacúsia|बहरापन|कम सुनाई देना|कम सुनना|ऊँचा सुनना|หูตึง|หูหนวก|การได้ยินลดลง",
    ),
    (
        &["H90.5"],
        "congenital deafness|born deaf|deaf since birth|angeborene schwerhörigkeit|angeborene taubheit|taub geboren|gehörlos geboren|surdité congénitale|surdité de naissance|sourd de naissance|sourde de naissance|sordera congénita|hipoacusia congénita|sordo de nacimiento|sorda de nacimiento|sordità congenita|ipoacusia congenita|surdez congênita|surdez congénita|surdo de nascença|surda de nascença|जन्मजात बहरापन|जन्म से बहरापन|หูหนวกแต่กำเนิด|หูหนวกตั้งแต่เกิด",
    ),
    (
        &["Q66"],
        "clubfoot|club foot|club feet|talipes|ctev|klumpfuß|klumpfuss|pied bot|pie zambo|pie equinovaro|piede torto|pé torto|pé torto congênito|pé torto congénito|क्लबफुट|मुड़ा हुआ पैर|टेढ़ा पैर|เท้าปุก",
    ),
    (
        &["E14", "E10", "E11"],
        "dm|diabetes|diabetic|sugar diabetes|diabetiker|diabetikerin|zucker|zuckerkrankheit|diabète|diabétique|diabetico|diabetica|diabético|diabética|azúcar|azúcar alta|açúcar no sangue|मधुमेह|डायबिटीज|डायबिटीज़|शुगर|शुगर की बीमारी|เบาหวาน|โรคเบาหวาน",
    ),
    (
        &["E11"],
        "type 2|t2dm|dm2|dm 2|dm type 2|dm typ 2|diabetes mellitus typ 2|typ-2-diabetes|diabetes typ 2|altersdiabetes|diabète de type 2|diabète type 2|dnid|dt2|diabetes tipo 2|diabetes mellitus tipo 2|diabete tipo 2|diabete di tipo 2|diabete mellito tipo 2|टाइप 2 डायबिटीज|टाइप 2 मधुमेह|टाइप-2 डायबिटीज|เบาหวานชนิดที่ 2|เบาหวานชนิด 2",
    ),
    (
        &["E10"],
        "type 1|t1dm|dm1|dm 1|iddm|dm typ 1|typ-1-diabetes|diabetes typ 1|diabetes mellitus typ 1|diabète de type 1|diabète type 1|did|dt1|diabetes tipo 1|diabetes mellitus tipo 1|diabete tipo 1|diabete di tipo 1|टाइप 1 डायबिटीज|टाइप 1 मधुमेह|टाइप-1 डायबिटीज|เบาหวานชนิดที่ 1|เบาหวานชนิด 1",
    ),
    (
        &["O24"],
        "gdm|gestational diabetes|gestationsdiabetes|schwangerschaftsdiabetes|diabète gestationnel|diabetes gestacional|diabete gestazionale|गर्भकालीन मधुमेह|เบาหวานขณะตั้งครรภ์",
    ),
    (
        &["I10", "I15", "O10"],
        "htn|ht|bp|high bp|bp problem|high pressure|raised blood pressure|hypertonie|bluthochdruck|arterielle hypertonie|hta|hypertension|hypertendu|hypertendue|hypertension artérielle|hipertensión|hipertensión arterial|hipertenso|hipertensa|tensión alta|presión alta|ipertensione|ipertensione arteriosa|ipertesa|iperteso|pressione alta|has|hipertensão|hipertensão arterial|hipertenso|hipertensa|pressão alta|tensão alta|उच्च रक्तचाप|हाई बीपी|बीपी|हाइपरटेंशन|ความดันโลหิตสูง|ความดันสูง|ความดัน",
    ),
    (
        &["F17"],
        "smoker|heavy smoker|smoking|nicotine dependence|nicotine addiction|tobacco use|raucher|raucherin|tabakabhängigkeit|nikotinabhängigkeit|nikotinsucht|tabagisme|fumeur|fumeuse|dépendance au tabac|dépendance tabagique|tabaquismo|fumador|fumadora|dependencia del tabaco|tabagismo|fumatore|fumatrice|dipendenza da tabacco|dipendenza da nicotina|tabagista|fumante|dependência do tabaco|dependência de nicotina|तंबाकू की लत|धूम्रपान|ติดบุหรี่|สูบบุหรี่",
    ),
    (
        &["J45"],
        "asthma|bronchial asthma|wheezy|asthmatiker|asthme|asthmatique|asma|asmático|asmática|asmatico|asmatica|asma bronquial|asma bronchiale|दमा|अस्थमा|หอบหืด|โรคหืด",
    ),
    (
        &["J44"],
        "copd|coad|bpco|epoc|dpoc|smoker's lung|raucherlunge|bronchite chronique obstructive|enfermedad pulmonar obstructiva crónica|broncopneumopatia cronica ostruttiva|doença pulmonar obstrutiva crónica|doença pulmonar obstrutiva crônica|enfisema|emphysème|emphysem|सीओपीडी|ถุงลมโป่งพอง|ปอดอุดกั้นเรื้อรัง",
    ),
    (
        &["G40"],
        "epilepsy|fits|epilepsie|anfallsleiden|épilepsie|épileptique|epilepsia|epiléptico|epiléptica|epilessia|epilettico|epilettica|epiléptica|मिर्गी|दौरे की बीमारी|โรคลมชัก|ลมชัก",
    ),
    (
        &["B20"],
        "hiv|hiv positive|hiv-positive|hiv+|plhiv|plwh|rvd|retroviral disease|hiv-infektion|hiv-positiv|vih|séropositif|séropositive|infection à vih|vih positivo|infección por vih|hiv positivo|hiv positiva|sieropositivo|sieropositiva|infezione da hiv|infecção por hiv|soropositivo|soropositiva|vih positivo|एचआईवी|एचआईवी पॉजिटिव|เอชไอวี|ติดเชื้อเอชไอวี",
    ),
    (
        &["A15"],
        "tb|ptb|pulmonary tb|tbc|tuberculosis|tuberkulose|lungentuberkulose|tuberculose|tuberculose pulmonaire|tuberculosis pulmonar|tubercolosi|tubercolosi polmonare|tuberculose pulmonar|टीबी|तपेदिक|क्षय रोग|फेफड़ों की टीबी|วัณโรค|วัณโรคปอด",
    ),
    (
        &["Z22.7"],
        "ltbi|latent tb|latente tuberkulose|itl|tuberculose latente|tuberculosis latente|tubercolosi latente",
    ),
    (
        &["D57.1"],
        "ss|hb ss|scd|sickler|sickle cell anemia|sichelzellkrankheit|sichelzellanämie|drépanocytose|drépanocytaire|anemia falciforme|anemia drepanocítica|anemia falciforme|drepanocitosi|doença falciforme|सिकल सेल|ซิกเคิลเซลล์",
    ),
    (
        &["D56.1"],
        "thal major|beta-thal major|thalassämie|thalassémie|talasemia|talassemia|थैलेसीमिया|ธาลัสซีเมีย",
    ),
    (
        &["E03", "E89.0"],
        "underactive thyroid|low thyroid|thyroid|hypothyroid|hypothyreose|schilddrüsenunterfunktion|hypothyroïdie|hipotiroidismo|hipotireoidismo|ipotiroidismo|थायराइड|थायरॉइड|हाइपोथायरायडिज्म|ไทรอยด์ต่ำ|ไฮโปไทรอยด์",
    ),
    (
        &["E05"],
        "overactive thyroid|graves|hyperthyroid|hyperthyreose|morbus basedow|schilddrüsenüberfunktion|basedow|maladie de basedow|hyperthyroïdie|hipertiroidismo|enfermedad de graves|ipertiroidismo|morbo di basedow|hipertireoidismo|doença de graves|हाइपरथायरायडिज्म|ไทรอยด์เป็นพิษ",
    ),
    (
        &["I50"],
        "hf|chf|ccf|hfref|hfpef|weak heart|herzinsuffizienz|herzschwäche|insuffisance cardiaque|insuficiencia cardíaca|insuficiencia cardiaca|scompenso cardiaco|insufficienza cardiaca|insuficiência cardíaca|हार्ट फेलियर|दिल की कमजोरी|หัวใจวาย|หัวใจล้มเหลว",
    ),
    (
        &["I48"],
        "af|a fib|afib|irregular heartbeat|vorhofflimmern|vhf|fibrillation auriculaire|fibrillation atriale|fibrilación auricular|fibrillazione atriale|fibrilação auricular|fibrilação atrial|एट्रियल फिब्रिलेशन|หัวใจเต้นผิดจังหวะ",
    ),
    (
        &["I25", "I20"],
        "cad|ihd|chd|angina|heart disease|khk|koronare herzkrankheit|coronaropathie|maladie coronarienne|cardiopatía isquémica|cardiopatia ischemica|coronaropatia|doença coronária|doença coronariana|हृदय रोग|दिल की बीमारी|หลอดเลือดหัวใจตีบ|โรคหัวใจขาดเลือด",
    ),
    (
        &["I69", "I63", "I64"],
        "cva|old cva|old stroke|past stroke|schlaganfall|apoplex|avc|ictus|acv|derrame|लकवा|स्ट्रोक|อัมพาต|เส้นเลือดสมองตีบ|หลอดเลือดสมอง",
    ),
    (
        &["N18"],
        "ckd|crf|kidney failure|renal failure|kidney disease|niereninsuffizienz|chronische niereninsuffizienz|nierenschwäche|insuffisance rénale|insuffisance rénale chronique|irc|mrc|enfermedad renal crónica|insuficiencia renal crónica|erc|insufficienza renale cronica|irc|doença renal crónica|doença renal crônica|drc|क्रोनिक किडनी रोग|किडनी की बीमारी|ไตวายเรื้อรัง|โรคไตเรื้อรัง|โรคไต",
    ),
    (
        &["M17", "M16", "M18", "M19"],
        "oa|osteoarthritis|wear and tear|arthrosis|arthritis of the knee|bad knees|bad hip|arthrose|gonarthrose|kniearthrose|coxarthrose|hüftarthrose|arthrose du genou|arthrose de la hanche|artrosis|artrosis de rodilla|artrosis de cadera|gonartrosis|coxartrosis|artrosi|artrosi del ginocchio|gonartrosi|coxartrosi|artrose|artrose do joelho|osteoartrite|गठिया|घुटने का गठिया|ऑस्टियोआर्थराइटिस|ข้อเข่าเสื่อม|ข้อเสื่อม",
    ),
    (
        &["M06"],
        "ra|rheumatoid|rheumatoide arthritis|rheuma|polyarthrite rhumatoïde|polyarthrite|artritis reumatoide|artritis reumatoidea|artrite reumatoide|रूमेटाइड आर्थराइटिस|ข้ออักเสบรูมาตอยด์|รูมาตอยด์",
    ),
    (&["M10"], "gout|gicht|goutte|gota|gotta|गाउट|वातरक्त|เกาต์|โรคเกาต์|โรคเก๊าท์"),
    (
        &["M81"],
        "brittle bones|thin bones|osteoporose|ostéoporose|osteoporosi|ऑस्टियोपोरोसिस|กระดูกพรุน",
    ),
    (
        &["M54", "M51"],
        "lbp|bad back|back pain|rückenschmerzen|kreuzschmerzen|chronische rückenschmerzen|lombalgie|lombalgie chronique|mal de dos|lumbalgia|lumbalgia crónica|dolor de espalda|lombalgia|mal di schiena|dor nas costas|lombalgia crónica|कमर दर्द|पीठ दर्द|ปวดหลัง|ปวดหลังเรื้อรัง",
    ),
    (
        &["F32", "F33"],
        "low mood|depressed|mdd|depressive|depressionen|dépression|dépressif|dépressive|depresión|deprimido|deprimida|depressione|depressa|depresso|depressão|अवसाद|डिप्रेशन|ซึมเศร้า|โรคซึมเศร้า",
    ),
    (
        &["F41"],
        "gad|nerves|anxious|angststörung|generalisierte angststörung|trouble anxieux|anxiété|ansiedad|trastorno de ansiedad|ansia|disturbo d'ansia|ansiedade|चिंता|घबराहट की बीमारी|วิตกกังวล|โรควิตกกังวล",
    ),
    (
        &["F20"],
        "schizophrenic|schizophrenie|schizophrénie|esquizofrenia|schizofrenia|सिज़ोफ्रेनिया|สคิโซฟรีเนีย|จิตเภท|โรคจิตเภท",
    ),
    (
        &["F31"],
        "bpad|manic depression|manic-depressive|bipolare störung|bipolar|trouble bipolaire|bipolaire|trastorno bipolar|disturbo bipolare|transtorno bipolar|perturbação bipolar|बाइपोलर|ไบโพลาร์|อารมณ์สองขั้ว",
    ),
    (
        &["F84"],
        "asd|autistic|on the spectrum|autismus|autist|autistisch|autisme|autiste|tsa|autismo|autista|tea|ऑटिज्म|ऑटिज़्म|ออทิสติก|ออทิซึม",
    ),
    (
        &["F90"],
        "add|hyperactive|adhs|tdah|hyperactif|hyperactive|hiperactivo|hiperactiva|disturbo da deficit di attenzione|phda|एडीएचडी|สมาธิสั้น",
    ),
    (
        &["F70"],
        "learning difficulties|slow learner|intellectual disability|geistige behinderung|intelligenzminderung|déficience intellectuelle|discapacidad intelectual|disabilità intellettiva|deficiência intelectual|मंदबुद्धि|बौद्धिक अक्षमता|สติปัญญาบกพร่อง",
    ),
    (
        &["Q90"],
        "downs|t21|trisomie 21|down-syndrom|trisomía 21|síndrome de down|sindrome di down|trissomia 21|डाउन सिंड्रोम|ดาวน์ซินโดรม|ดาวน์",
    ),
    (
        &["G80"],
        "cp|spastic|zerebralparese|infantile zerebralparese|spastik|paralysie cérébrale|imc|parálisis cerebral|paralisi cerebrale|paralisia cerebral|सेरेब्रल पाल्सी|สมองพิการ",
    ),
    (
        &["G20"],
        "pd|parkinson|parkinson's|morbus parkinson|parkinson-krankheit|maladie de parkinson|enfermedad de parkinson|malattia di parkinson|doença de parkinson|पार्किंसन|พาร์กินสัน",
    ),
    (
        &["F00", "F01", "G30", "G31"],
        "dementia|senile|memory trouble|alzheimer|alzheimer's|demenz|démence|maladie d'alzheimer|demencia|enfermedad de alzheimer|demenza|malattia di alzheimer|demência|doença de alzheimer|डिमेंशिया|भूलने की बीमारी|อัลไซเมอร์|สมองเสื่อม",
    ),
    (
        &["G35"],
        "ms|multiple sklerose|sep|sclérose en plaques|esclerosis múltiple|em|sclerosi multipla|esclerose múltipla|मल्टीपल स्केलेरोसिस|ปลอกประสาทเสื่อมแข็ง",
    ),
    (
        &["G12.2"],
        "mnd|als|motor neuron disease|lou gehrig's|amyotrophe lateralsklerose|sla|maladie de charcot|ela|esclerosis lateral amiotrófica|sclerosi laterale amiotrofica|esclerose lateral amiotrófica",
    ),
    (
        &["G43"],
        "migraines|sick headaches|migräne|migraña|jaqueca|jaquecas|emicrania|enxaqueca|enxaquecas|माइग्रेन|आधा सीसी|ไมเกรน",
    ),
    (
        &["G47.3"],
        "osa|osas|sleep apnea|schlafapnoe|apnée du sommeil|saos|apnea del sueño|apnea del sonno|apneia do sono|स्लीप एपनिया|หยุดหายใจขณะหลับ",
    ),
    (
        &["K50"],
        "crohn|crohn's|morbus crohn|maladie de crohn|enfermedad de crohn|morbo di crohn|malattia di crohn|doença de crohn|क्रोहन|โครห์น",
    ),
    (
        &["K51"],
        "uc|colitis ulcerosa|rectocolite hémorragique|rch|colitis ulcerosa|rettocolite ulcerosa|colite ulcerosa|retocolite ulcerativa|colite ulcerativa|अल्सरेटिव कोलाइटिस|ลำไส้ใหญ่อักเสบเป็นแผล",
    ),
    (
        &["K90"],
        "coeliac|celiac|zöliakie|maladie cœliaque|maladie coeliaque|celiaquía|celíaco|celíaca|enfermedad celíaca|celiachia|celiaco|celiaca|doença celíaca|सीलिएक|เซลิแอค",
    ),
    (
        &["K21"],
        "gerd|gord|ger|gor|reflux|heartburn|refluxkrankheit|sodbrennen|rgo|reflux gastro-œsophagien|reflujo|erge|reflusso|mrge|refluxo|drge|एसिडिटी|กรดไหลย้อน",
    ),
    (
        &["K58"],
        "ibs|irritable bowel|reizdarm|reizdarmsyndrom|côlon irritable|intestino irritable|colon irritable|colon irritabile|intestino irritável|आईबीएस|ลำไส้แปรปรวน",
    ),
    (
        &["K59"],
        "constipated|verstopfung|obstipation|constipation|estreñimiento|stipsi|stitichezza|obstipação|prisão de ventre|कब्ज|ท้องผูก",
    ),
    (
        &["K74"],
        "liver cirrhosis|bad liver|leberzirrhose|zirrhose|cirrhose|cirrosis|cirrosi|cirrose|सिरोसिस|ตับแข็ง",
    ),
    (
        &["B18.1"],
        "hep b|hbv|hepatitis-b|hépatite b|vhb|epatite b|hepatite b|हेपेटाइटिस बी|ไวรัสตับอักเสบบี",
    ),
    (&["B18.2"], "hep c|hcv|hépatite c|vhc|epatite c|hepatite c|हेपेटाइटिस सी|ไวรัสตับอักเสบซี"),
    (
        &["E66"],
        "obese|adipositas|adipös|obésité|obèse|obesidad|obeso|obesa|obesità|obesidade|मोटापा|โรคอ้วน|อ้วน",
    ),
    (
        &["E78"],
        "cholesterol|high cholesterol|hyperlipidämie|hypercholesterinämie|hohes cholesterin|hypercholestérolémie|dyslipidémie|colesterol alto|hipercolesterolemia|dislipidemia|colesterolo alto|ipercolesterolemia|कोलेस्ट्रॉल|ไขมันสูง|ไขมันในเลือดสูง",
    ),
    (
        &["D50"],
        "ida|low iron|iron deficiency|anaemic|anemic|eisenmangel|eisenmangelanämie|anémie ferriprive|carence en fer|anemia ferropénica|falta de hierro|anemia sideropenica|carenza di ferro|anemia ferropriva|falta de ferro|खून की कमी|आयरन की कमी|एनीमिया|โลหิตจางจากการขาดธาตุเหล็ก|ขาดธาตุเหล็ก",
    ),
    (
        &["L20"],
        "eczema|neurodermitis|atopisches ekzem|dermatite atopique|eczéma|dermatitis atópica|eccema|dermatite atopica|eczema atópico|dermatite atópica|एक्जिमा|ผื่นภูมิแพ้ผิวหนัง",
    ),
    (&["L40"], "psoriasis|schuppenflechte|soriasis|psoriasi|psoríase|सोरायसिस|สะเก็ดเงิน"),
    (
        &["J30"],
        "hay fever|heuschnupfen|allergische rhinitis|rhume des foins|rhinite allergique|rinitis alérgica|rinite allergica|rinite alérgica|एलर्जिक राइनाइटिस|แพ้อากาศ|ภูมิแพ้",
    ),
    (&["H40"], "glaucoma|grüner star|glaukom|glaucome|ग्लूकोमा|काला मोतिया|ต้อหิน"),
    (&["H26"], "cataracts|grauer star|katarakt|cataracte|catarata|cataratta|मोतियाबिंद|ต้อกระจก"),
    (
        &["H35.3"],
        "amd|armd|macula|makuladegeneration|dmla|degeneración macular|degenerazione maculare|degeneração macular|จอประสาทตาเสื่อม",
    ),
    (
        &["H93.1"],
        "ringing ears|ringing in the ears|ohrgeräusche|acouphènes|acúfenos|acufeni|zumbido|कान में सीटी|หูอื้อ",
    ),
    (
        &["N40"],
        "bph|big prostate|prostate trouble|prostatahyperplasie|vergrößerte prostata|hypertrophie de la prostate|hbp|adénome de la prostate|hiperplasia prostática|ipertrofia prostatica|ipb|hiperplasia da próstata|प्रोस्टेट|ต่อมลูกหมากโต",
    ),
    (
        &["E28.2"],
        "pcos|pco|pcod|sopk|ovaires polykystiques|ovario poliquístico|ovaios policísticos|ovaio policistico|sop|ovários poliquísticos|ovários policísticos|पीसीओएस|ถุงน้ำรังไข่หลายใบ",
    ),
    (&["N80"], "endo|endometriose|endométriose|endometriosi|एंडोमेट्रियोसिस|เยื่อบุโพรงมดลูกเจริญผิดที่"),
    (&["M32"], "sle|lupus|lupus érythémateux|les|lupus eritematoso|lúpus|लूपस|เอสแอลอี|ลูปัส|โรคพุ่มพวง"),
    (
        &["E84"],
        "cf|mukoviszidose|zystische fibrose|mucoviscidose|fibrosis quística|fibrosi cistica|fibrose cística|fibrose quística",
    ),
    (&["D66"], "hämophilie|bluterkrankheit|hémophilie|hemofilia|emofilia|हीमोफीलिया|ฮีโมฟีเลีย"),
    (
        &["E23.0"],
        "ghd|gh deficiency|wachstumshormonmangel|déficit en hormone de croissance|déficit de hormona de crecimiento|deficit di ormone della crescita|deficiência de hormônio do crescimento|deficiência da hormona de crescimento",
    ),
    (
        &["N20"],
        "stones|renal stones|nierensteine|calculs rénaux|cálculos renales|piedras en el riñón|calcoli renali|pedras nos rins|cálculos renais|गुर्दे की पथरी|पथरी|นิ่วในไต|นิ่ว",
    ),
    (
        &["F51.0"],
        "insomnia|poor sleep|schlafstörungen|schlaflosigkeit|insomnie|insomnio|insonnia|insónia|insônia|अनिद्रा|นอนไม่หลับ",
    ),
    (
        &["Q37"],
        "cleft|cleft lip|cleft palate|lippen-kiefer-gaumenspalte|fente labio-palatine|labio y paladar hendido|labiopalatoschisi|lábio leporino|fenda labiopalatina|कटे होंठ|ปากแหว่งเพดานโหว่",
    ),
    (
        &["M41"],
        "curved spine|skoliose|scoliose|escoliosis|scoliosi|escoliose|स्कोलियोसिस|กระดูกสันหลังคด",
    ),
    (&["H50"], "squint|strabismus|schielen|strabisme|estrabismo|strabismo|भेंगापन|ตาเหล่|ตาเข"),
    (
        &["H65"],
        "glue ear|ome|paukenerguss|otite séreuse|otitis serosa|otite sierosa|otite media effusiva|otite serosa",
    ),
    (
        &["B91"],
        "polio|post-polio|kinderlähmung|poliomyélite|poliomielitis|poliomielite|पोलियो|โปลิโอ",
    ),
    (
        &["Z94.0"],
        "renal transplant|kidney transplant|nierentransplantation|nierentransplantiert|greffe de rein|greffe rénale|trasplante de riñón|trasplante renal|trapianto di rene|trapianto renale|transplante renal|transplante de rim|किडनी ट्रांसप्लांट|ปลูกถ่ายไต",
    ),
    (
        &["C50"],
        "breast ca|ca breast|brustkrebs|mammakarzinom|cancer du sein|cáncer de mama|tumore al seno|cancro della mammella|cancro da mama|câncer de mama|स्तन कैंसर|มะเร็งเต้านม",
    ),
    (
        &["C61"],
        "prostate ca|prostatakrebs|prostatakarzinom|cancer de la prostate|cáncer de próstata|tumore alla prostata|cancro da próstata|câncer de próstata|มะเร็งต่อมลูกหมาก",
    ),
    (&["A30"], "leprosy|hansen's disease|lepra|lèpre|lebbra|hanseníase|कुष्ठ रोग|โรคเรื้อน"),
    (
        &["E44", "E46", "E43", "E45"],
        "malnutrition|malnourished|mam|unterernährung|malnutrition|desnutrición|malnutrizione|desnutrição|कुपोषण|ขาดสารอาหาร",
    ),
];

/// Of the rows with several codes, the first codes that their names have without another word.
const PLAIN: [&str; 7] = ["E03", "E14", "F32", "H91", "I10", "I25", "M54"];

/// Words beside a name that say nothing more, in the languages that are not English.
const BESIDE: &str = "\
    very quite rather really bit has is with got getting already elderly bekannt bekannte \
    bekannter bekannten mit hat seit chronische chronischer chronisches jahren jahre morbus \
    krankheit erkrankung der die das eine ein typ maladie connu connue depuis ans années \
    chronique une un le la les des du de d l est avec très type enfermedad conocida conocido \
    desde hace años crónica crónico tipo con el es muy malattia nota noto da anni cronica \
    cronico è molto doença conhecida conhecido há anos crônica crônico com do o é muito \
    arterial arterielle artérielle arteriosa síndrome sindrome syndrom trastorno disturbo \
    transtorno trouble störung e y et und पुराना पुरानी है से साल की का बीमारी रोग เป็น โรค \
    มา ปี มี";

/// Words with which the name of a condition goes on.
const WITH: [&str; 5] = [" with ", " mit ", " con ", " com ", " avec "];
/// Words behind which there is only a time.
const SINCE: [&str; 6] = [" seit ", " desde ", " depuis ", " dal ", " since ", " – "];

/// Words behind which a name says where the condition comes from. Thai ones stand without spaces.
const CAUSED: [&str; 12] = [
    " nach ",
    " durch ",
    " après ",
    " par ",
    " tras ",
    " por ",
    " após ",
    " dopo ",
    " da ",
    " per ",
    "จาก",
    "หลัง",
];

/// The part of a name before what only describes it: `क्लबफुट` of `क्लबफुट, सीरियल कास्ट`.
pub(super) fn head(name: &str) -> &str {
    let mut end = name.find([',', '(', ';', ':']).unwrap_or(name.len());
    for word in WITH.iter().chain(&SINCE).chain(&CAUSED) {
        end = name.find(word).filter(|at| *at > 0).map_or(end, |at| at.min(end));
    }
    name.get(..end).unwrap_or(name).trim()
}

/// What a name says beside the condition: `foot ulcer` of `diabetes, foot ulcer`. Times say nothing more.
pub(super) fn further(name: &str) -> Vec<String> {
    let mut pieces = name.split([',', ';', '(', ')', ':']).map(str::trim);
    let first = pieces.next().unwrap_or_default();
    let with = WITH.iter().filter_map(|word| Some(first.find(word)? + word.len())).min();
    let says = |piece: &&str| {
        let lower = piece.to_lowercase();
        let timed = lower.contains(|c: char| c.is_numeric()) && lower.split(' ').count() <= 2;
        let describes =
            |word: &str| says_nothing(word) || super::describing::DESCRIBING.contains(&word);
        !timed && !lower.split(apart).all(describes)
    };
    let all = with.and_then(|at| first.get(at..)).into_iter().chain(pieces);
    all.filter(says).map(str::to_owned).collect()
}

/// The code that a name has alone, in the catalog's form: `E11.9` of `altersdiabetes`. `None` where it may mean several.
pub(super) fn code(names: Names<'_>, name: &str) -> Option<String> {
    let mut rows =
        NAMES.iter().map(|(codes, _)| *codes).filter(|row| is_named(names, name, |of| of == *row));
    let Some(row) = rows.next() else { return only_code(names, name) };
    let plain = row.first().filter(|first| row.len() == 1 || PLAIN.contains(first))?;
    if rows.any(|other| other.first() != Some(plain)) {
        return None;
    }
    let known = names.catalog.conditions.iter().map(|c| c.icd10.as_str());
    let known = known.filter(|code| code.starts_with(plain)).collect::<BTreeSet<_>>();
    // Of several codes, that of the catalog may be about something else: `deaf` is not the deafness of old age.
    let only = known.first().filter(|_| row.len() == 1 && known.len() == 1);
    Some(only.map_or(*plain, |code| *code).to_owned())
}

/// The code of the one condition that has this name in the language of the message.
fn only_code(names: Names<'_>, name: &str) -> Option<String> {
    let lower = name.trim().trim_end_matches('.').to_lowercase();
    let own = names.catalog.languages.conditions(names.language);
    let own = own.filter(|(_, known)| is_one_of(&lower, known));
    let codes: BTreeSet<&str> = own.map(|(code, _)| code).collect();
    codes.first().filter(|_| codes.len() == 1).map(|code| (*code).to_owned())
}

/// Whether a name is one of a listed condition and says nothing more, by its code.
pub(super) fn is_name_of(names: Names<'_>, listed: &CaseCondition, name: &str) -> bool {
    is_named(names, name, |codes| codes.iter().any(|code| listed.icd10.starts_with(code)))
}

/// Whether a name is one of another condition alone: `hipertensión arterial`, beside a hypertension of the lungs.
pub(super) fn is_name_of_another(names: Names<'_>, listed: &CaseCondition, name: &str) -> bool {
    !is_name_of(names, listed, name) && is_named(names, name, |_| true)
}

fn is_named(names: Names<'_>, name: &str, of: impl Fn(&[&str]) -> bool) -> bool {
    let lower = name.trim().trim_end_matches('.').to_lowercase();
    let rows = NAMES.iter().filter(|(codes, _)| of(codes));
    let mut everywhere = rows.flat_map(|(_, names)| names.split('|'));
    everywhere.any(|known| is_only(&lower, known)) || {
        let mut own = names.catalog.languages.conditions(names.language);
        own.any(|(code, known)| of(&[code]) && is_one_of(&lower, known))
    }
}

fn is_one_of(lower: &str, names: &[String]) -> bool {
    names.iter().any(|known| is_only(lower, known))
}

/// Whether a name in lower case is a known one, and says nothing beside it.
fn is_only(lower: &str, known: &str) -> bool {
    rest(head(lower), known).is_some_and(|rest| rest.split(apart).all(says_nothing))
}

/// A text without a name that it has as whole words. Thai words are not set apart.
fn rest(text: &str, name: &str) -> Option<String> {
    let word = |c: Option<char>| {
        c.is_some_and(|c| c.is_alphanumeric() || ('\u{900}'..='\u{963}').contains(&c))
    };
    let thai = name.chars().any(|c| ('\u{e00}'..='\u{e7f}').contains(&c));
    text.match_indices(name).find_map(|(at, found)| {
        let (before, after) = (text.get(..at)?, text.get(at + found.len()..)?);
        let whole = !word(before.chars().next_back()) && !word(after.chars().next());
        (thai || whole).then(|| format!("{before} {after}"))
    })
}

/// What parts words; the signs of Devanagari do not.
pub(crate) fn apart(c: char) -> bool {
    !(c.is_alphanumeric()
        || ('\u{900}'..='\u{963}').contains(&c)
        || ('\u{e00}'..='\u{e7f}').contains(&c))
}

pub(super) fn says_nothing(word: &str) -> bool {
    // A number tells types apart: `diabetes 1`.
    word.is_empty()
        || BESIDE.split(' ').any(|known| known == word)
        || (is_beside(word) && word.parse::<u32>().map_or(true, |n| n > 4))
}
